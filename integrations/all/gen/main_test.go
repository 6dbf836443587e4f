package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheGeneratedFileIsUpToDate(t *testing.T) {
	want, err := generate(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../" + target)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("integrations/all/%s is old: run go generate ./integrations/all\n%s", target, want)
	}
}

func TestNativeIntegrationsAreLinkedAndOthersAreNot(t *testing.T) {
	got, err := generate(fstest.MapFS{
		"my-ldap/ldap.go":      {Data: []byte("package myldap\n\nfunc New() any { return nil }\n")},
		"my-ldap/ldap_test.go": {Data: []byte("package myldap\n\nfunc New() any { return nil }\n")},
		"needs/needs.go":       {Data: []byte("package needs\n\nfunc New(p int) any { return nil }\n")},
		"method/method.go":     {Data: []byte("package method\n\ntype T int\n\nfunc (T) New() any { return nil }\n")},
		"plain/manifest.yaml":  {Data: []byte("id: plain\n")},
		"all/all.go":           {Data: []byte("package all\n\nfunc New() any { return nil }\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(got); strings.Count(s, ".New()") != 1 || !strings.Contains(s, "myldap.New()") || !strings.Contains(s, "integrations/my-ldap") {
		t.Errorf("got\n%s", s)
	}
}

func TestAFileThatDoesNotParseIsAnError(t *testing.T) {
	if _, err := generate(fstest.MapFS{"x/x.go": {Data: []byte("no Go")}}); err == nil {
		t.Error("it was taken")
	}
}
