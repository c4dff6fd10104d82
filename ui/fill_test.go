package ui

import (
	"bytes"
	"strings"
	"testing"
)

// What people typed can't move the list of a page, and the list keeps every byte.
func TestHolesAreFilledOnce(t *testing.T) {
	u := newUI(t, "")
	const list = "<ul>\x00$&{{.}}</ul>"
	page := BoardPage{Query: Query{Q: "a" + hole + "b", Team: hole}, List: []byte(list)}
	page.Viewer = &Viewer{Username: hole, Name: hole, Me: Me{Name: hole}}
	b, err := u.Page(page)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(b); strings.Count(got, hole) != 1 || !strings.Contains(got, `<div id="list">`+list+`</div>`) {
		t.Errorf("the page doesn't hold the list once and in its place:\n%q", got)
	}
	l, err := u.List(List{Sections: []Section{
		{Key: "a", Name: hole, Rows: [][]byte{[]byte("<li>1</li>"), []byte("<li>2</li>")}},
		{Key: "b", Rows: [][]byte{[]byte("<li>3</li>")}},
	}})
	if err != nil || bytes.Contains(l, []byte(hole)) ||
		!bytes.Contains(l, []byte(`role="list"><li>1</li><li>2</li><li class="rest">`)) ||
		!bytes.Contains(l, []byte(`role="list"><li>3</li><li class="rest">`)) {
		t.Errorf("the list is %q, %v", l, err)
	}
}
