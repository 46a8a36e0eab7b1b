package concurtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func TestListItemHasALongAndAShortCode(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", nil)
	l := co.AddList("Projects", concurtest.Item{Code: "A", Name: "Alpha", Children: []concurtest.Item{{Code: "1", Name: "One"}}})
	child := l.Value("A-1")
	o := get(t, s, co, "/list/v4/items/"+child.ItemID).object(t)
	require.Equal(t, "A-1", o["code"])
	require.Equal(t, "1", o["shortCode"])
	require.Equal(t, "One", o["value"])
	require.Equal(t, json.Number("2"), o["level"])
	require.Equal(t, l.Value("A").ItemID, o["parentId"])
	require.Equal(t, l.ID(), fields(rows(o["lists"])[0])["id"])
	require.Equal(t, false, o["isDeleted"])
	require.Equal(t, json.Number("2"), get(t, s, co, "/list/v4/lists/"+l.ID()).object(t)["levelCount"])
	require.Equal(t, "A", fields(rows(get(t, s, co, "/list/v4/lists/"+l.ID()+"/children").object(t)["content"])[0])["code"])
	for _, p := range []string{"/list/v4/items/" + l.Value("A").ItemID, "/list/v4/lists/" + l.ID() + "/items/" + l.Value("A").ItemID} {
		children := rows(get(t, s, co, p+"/children").object(t)["content"])
		require.Len(t, children, 1, p)
		require.Equal(t, "A-1", fields(children[0])["code"], p)
	}
}

func TestListItemErrors(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, centres := acme(s)
	other := s.AddCompany("Other", nil)
	id := centres.Value("100").ItemID
	for _, tt := range []struct {
		name   string
		co     *concurtest.Company
		id     string
		status int
		want   string
	}{
		{"unknown", co, "3b241101-e2bb-4255-8caf-4136c566a962", 404, "item.not.found"},
		{"without dashes", co, strings.ReplaceAll(id, "-", ""), 400, "request.validation.error"},
		{"of another company", other, id, 404, "item.not.found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := get(t, s, tt.co, "/list/v4/items/"+tt.id)
			require.Equal(t, tt.status, a.status)
			o := a.object(t)
			require.Equal(t, tt.want, fields(o["error"])["id"])
			require.Equal(t, fmt.Sprintf("%d - %s", tt.status, http.StatusText(tt.status)), o["httpStatus"])
			require.Equal(t, "/list/v4/items/"+tt.id, o["path"])
		})
	}
}

func TestDeletedItemStaysReadableAndLeavesItsList(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", nil)
	l := co.AddList("Projects", concurtest.Item{Code: "A", Children: []concurtest.Item{{Code: "1"}}}, concurtest.Item{Code: "B"})
	child := l.Value("A-1").ItemID
	l.Delete("A")
	o := get(t, s, co, "/list/v4/items/"+child).object(t)
	require.Equal(t, true, o["isDeleted"])
	require.Empty(t, o["lists"])
	require.Len(t, get(t, s, co, "/list/v4/lists/"+l.ID()+"/children").object(t)["content"], 1)
	require.Len(t, get(t, s, co, "/list/v4/lists/"+l.ID()+"/children?isDeleted=true").object(t)["content"], 1)
}

func TestListPagesCountFromOneAndHoldAHundred(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", nil)
	l := co.AddList("Accounts")
	for i := range 201 {
		l.Add(concurtest.Item{Code: fmt.Sprint(6000 + i)})
	}
	path := "/list/v4/lists/" + l.ID() + "/children"
	for page, want := range map[string]int{"": 100, "?page=1": 100, "?page=2": 100, "?page=3": 1, "?page=4": 0} {
		o := get(t, s, co, path+page).object(t)
		require.Len(t, o["content"], want, page)
		require.Equal(t, json.Number("3"), fields(o["page"])["totalPages"])
	}
	require.Equal(t, 400, get(t, s, co, path+"?page=0").status)
	require.Len(t, get(t, s, co, path+"?shortCode=6150").object(t)["content"], 1)
}

func TestAHyphenInACodeOrNamePanics(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	defer s.Close()
	co := s.AddCompany("Acme", nil)
	require.Panics(t, func() { co.AddList("A", concurtest.Item{Code: "1-2"}) })
	require.Panics(t, func() { co.AddList("B", concurtest.Item{Code: "12", Name: "one-two"}) })
	require.Panics(t, func() { co.AddList("C", concurtest.Item{Code: "1"}, concurtest.Item{Code: "1"}) })
}
