package expr

// Function documents one function: the reference is made of it, and each
// example is a test. Result is what the example gives.
type Function struct {
	Name      string `json:"name"`
	Signature string `json:"signature"`
	Doc       string `json:"doc"`
	Example   string `json:"example"`
	Result    any    `json:"result"`
}

// Functions lists what the field needs besides CEL's own, and the parts of CEL
// that playbooks use most, in the order of the reference.
func Functions() []Function {
	return append(append(append(fieldFunctions(), quoteFunctions()...), textDocs()...), celDocs()...)
}

func fieldFunctions() []Function {
	return []Function{
		{"severity.high", "int", "The severities in order: informational, low, medium, high, critical are 1 to 5.", "severity.high > severity.low", true},
		{"severity.of", "severity.of(text) int", "The rank of a severity's word.", "severity.of('Critical') == severity.critical", true},
		{"severity.word", "severity.word(int) text", "The word of a severity's rank.", "severity.word(4)", "high"},
		{"ip", "ip(text) ip", "An IP address; it has family(), isLoopback(), isGlobalUnicast() and more.", "ip('192.0.2.1').family()", int64(4)},
		{"isIP", "isIP(text) bool", "Whether a text is an IP address.", "isIP('192.0.2.300')", false},
		{"cidr.contains", "cidr(text).contains(text or ip) bool", "Whether a network holds an address. IPv4 within IPv6 counts as IPv4.", "cidr('10.0.0.0/8').contains('10.1.2.3') && cidr('10.0.0.0/8').contains(ip('10.1.2.3'))", true},
		{"url", "url(text) {scheme, host, port, path, query, fragment}", "The parts of a URL; host in lower case, port 0 where none is given.", "url('https://Evil.example:8443/a?b=c').host", "evil.example"},
		{"isURL", "isURL(text) bool", "Whether a text is a URL with a host.", "isURL('not a url')", false},
		{"domain", "domain(text) {name, registrable, suffix, tld}", "What of a host name somebody registered, by the public suffix list; empty for an address.", "domain('a.b.evil.co.uk').registrable", "evil.co.uk"},
		{"defang", "defang(text) text", "Makes indicators harmless to click.", "defang('http://evil.example/x')", "hxxp[://]evil[.]example/x"},
		{"refang", "refang(text) text", "Undoes the common ways of defanging.", "refang('hxxps[:]//evil[.]example')", "https://evil.example"},
		{"extract.iocs", "extract.iocs(text) {ips, domains, urls, mails, md5, sha1, sha256, cves}", "Finds indicators in a text, refanged, each once.", "extract.iocs('see hxxp://evil[.]example/a and 192.0.2.7').ips", []any{"192.0.2.7"}},
		{"hash.sha256", "hash.sha256(text or bytes) text", "The SHA-256 in hex.", "hash.sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"json.parse", "json.parse(text) anything", "Reads JSON; duplicate keys and integers outside 64 bits are refused.", `json.parse('{"a": [1, 2.5]}').a`, []any{int64(1), 2.5}},
		{"json.encode", "json.encode(anything) text", "Writes JSON, keys in order.", "json.encode({'b': 1, 'a': true})", `{"a":true,"b":1}`},
		{"time.add", "time.add(timestamp, text or duration) timestamp", "A moment later, or earlier with a minus.", "time.add(timestamp('2026-01-05T10:00:00Z'), '4h')", "2026-01-05T14:00:00Z"},
	}
}

func quoteFunctions() []Function {
	return []Function{
		{"quote.kql", "quote.kql(value) text", "A literal of KQL (Kusto, Kibana).", `quote.kql('a "b"')`, `"a \"b\""`},
		{"quote.spl", "quote.spl(value) text", "A literal of SPL; an asterisk is refused, since SPL reads it as a wildcard within quotes.", `quote.spl('C:\\x')`, `"C:\\x"`},
		{"quote.lucene", "quote.lucene(value) text", "A phrase of Lucene.", `quote.lucene('a" OR b:*')`, `"a\" OR b:*"`},
		{"quote.esql", "quote.esql(value) text", "A literal of ES|QL.", `quote.esql("x\" | DROP")`, `"x\" | DROP"`},
		{"quote.ldap", "quote.ldap(value) text", "A value of an LDAP filter (RFC 4515).", "quote.ldap('*)(uid=*')", `\2a\29\28uid=\2a`},
		{"quote.sql", "quote.sql(value) text", "A literal of SQL; a backslash is refused, since dialects differ in what it means.", `quote.sql("o'neil")`, `'o''neil'`},
		{"quote.sh", "quote.sh(value) text", "One word of a POSIX shell.", `quote.sh("a'; rm -rf /")`, `'a'\''; rm -rf /'`},
	}
}

func textDocs() []Function {
	return []Function{
		{"matches", "text.matches(pattern) bool", "Whether a regular expression (RE2) is found in a text.", "'ws-117'.matches('^ws-[0-9]+$')", true},
		{"contains", "text.contains(text) bool", "Whether a text holds another.", "'powershell.exe'.contains('shell')", true},
		{"startsWith", "text.startsWith(text) bool", "Whether a text begins with another.", "'T1486.001'.startsWith('T1486')", true},
		{"lowerAscii", "text.lowerAscii() text", "A to Z in lower case.", "'WS-117'.lowerAscii()", "ws-117"},
		{"replace", "text.replace(old, new) text", "Replaces every occurrence.", "'a.b.c'.replace('.', '-')", "a-b-c"},
		{"split", "text.split(separator) list", "Cuts a text.", "'a,b'.split(',')", []any{"a", "b"}},
		{"join", "list.join(separator) text", "Puts texts together.", "['a', 'b'].join(', ')", "a, b"},
		{"trim", "text.trim() text", "Takes white space off both ends.", "'  x '.trim()", "x"},
		{"substring", "text.substring(from, to) text", "A part of a text, counted in characters.", "'tocsin'.substring(0, 3)", "toc"},
		{"indexOf", "text.indexOf(text) int", "Where a text stands in another, -1 for nowhere.", "'a@b'.indexOf('@')", int64(1)},
		{"format", "text.format(list) text", "Writes values into a text.", "'%s: %d'.format(['hosts', 3])", "hosts: 3"},
		{"repeat", "text.repeat(int) text", "A text several times over.", "'ab'.repeat(2)", "abab"},
		{"string", "string(value) text", "A value as text.", "string(42)", "42"},
		{"base64.encode", "base64.encode(bytes) text", "Base64 of bytes; base64.decode turns it round.", "base64.encode(b'hi')", "aGk="},
	}
}

func celDocs() []Function {
	return []Function{
		{"size", "size(text, list or map) int", "Characters, items or keys.", "size(['a', 'b'])", int64(2)},
		{"in", "value in list or map", "Whether a list holds a value, or a map a key.", "'T1486' in ['T1486', 'T1059']", true},
		{"exists", "list.exists(x, condition) bool", "Whether a condition holds for any item.", "[1, 5].exists(n, n > 3)", true},
		{"all", "list.all(x, condition) bool", "Whether a condition holds for every item.", "[1, 5].all(n, n > 3)", false},
		{"filter", "list.filter(x, condition) list", "The items for which a condition holds.", "[1, 5].filter(n, n > 3)", []any{int64(5)}},
		{"map", "list.map(x, value) list", "A value of each item.", "[1, 5].map(n, n * 2)", []any{int64(2), int64(10)}},
		{"has", "has(value.field) bool", "Whether a field is there.", "has({'a': 1}.b)", false},
		{".?", "value.?field optional", "A field that may not be there; orValue says what it is then.", "{'a': 1}.?b.orValue(0)", int64(0)},
		{"[?]", "list[?index] optional", "An item that may not be there.", "['a'][?3].orValue('none')", "none"},
		{"distinct", "list.distinct() list", "Each item once.", "[1, 2, 1].distinct()", []any{int64(1), int64(2)}},
		{"sort", "list.sort() list", "The items in order; sortBy takes what to order by.", "[3, 1].sort()", []any{int64(1), int64(3)}},
		{"flatten", "list.flatten() list", "Lists within a list as one.", "[[1], [2]].flatten()", []any{int64(1), int64(2)}},
		{"first", "list.first() optional", "The first item.", "['a', 'b'].first().orValue('')", "a"},
		{"lists.range", "lists.range(int) list", "The numbers from 0 on.", "lists.range(3)", []any{int64(0), int64(1), int64(2)}},
		{"sets.intersects", "sets.intersects(list, list) bool", "Whether two lists share an item.", "sets.intersects(['a', 'b'], ['b'])", true},
		{"math.greatest", "math.greatest(numbers…) number", "The largest; math.least the smallest.", "math.greatest(1, 4, 2)", int64(4)},
		{"timestamp", "timestamp(text) timestamp", "A moment from RFC 3339 text.", "timestamp('2026-01-05T10:00:00Z').getHours()", int64(10)},
		{"duration", "duration(text) duration", "A span such as 90s, 10m, 4h.", "duration('90m') > duration('1h')", true},
	}
}
