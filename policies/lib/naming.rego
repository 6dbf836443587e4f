# Reading the names of targets.
package tocsin.lib.shipped.naming

# is_open: the name may stand for many things, or for nothing.
is_open(value) if lower(trim_space(value)) in {"", "all", "any", "everything", "null", "none", "undefined"}

is_open(value) if contains(value, "*")
