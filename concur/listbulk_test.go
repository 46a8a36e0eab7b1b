package concur_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

const (
	listID  = "ab2bdee3-71d9-4549-977f-6172a4502f34"
	bulkURL = us2 + "/list/v4/lists/" + listID + "/bulk"
)

func parts(codes ...string) (out []concur.ListItemPart) {
	for _, c := range codes {
		out = append(out, concur.ListItemPart{ShortCode: c, Value: "name of " + c})
	}
	return out
}

func TestBulkTellsWhatBecameOfEachPart(t *testing.T) {
	t.Parallel()
	fault := func(code string) string {
		return `{"id":"item.duplicate.code","message":"taken","listItem":{"shortCode":"` + code + `","value":"name of ` + code + `"}}`
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		failed []int
	}{
		"all":            {201, `{"status":"SUCCESS","recordsSucceeded":3,"recordsFailed":0,"errors":[]}`, nil},
		"some":           {206, `{"status":"PARTIAL_SUCCESS","recordsSucceeded":2,"recordsFailed":1,"errors":[` + fault("B") + `]}`, []int{1}},
		"none":           {400, `{"status":"FAILURE","recordsSucceeded":0,"recordsFailed":3,"errors":[` + fault("A") + "," + fault("B") + "," + fault("A") + `]}`, []int{0, 1, 2}},
		"the later twin": {206, `{"status":"PARTIAL_SUCCESS","recordsSucceeded":2,"recordsFailed":1,"errors":[` + fault("A") + `]}`, []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			c, mock := wired(t)
			answer(mock, http.MethodPost, bulkURL, tt.status, tt.body)
			each, err := c.ListItems.BulkCreate(t.Context(), listID, parts("A", "B", "A"))
			require.NoError(t, err)
			var failed []int
			for i, e := range each {
				if e != nil {
					failed = append(failed, i)
					require.ErrorIs(t, e, concur.ErrConflict)
					var one *concur.ListItemError
					require.ErrorAs(t, e, &one)
					require.Equal(t, concur.ItemDuplicateCode, one.ID)
				}
			}
			require.Equal(t, tt.failed, failed)
		})
	}
}

func TestBulkAnswersThatDoNotAddUpAreNoOutcome(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"status":"SUCCESS","recordsSucceeded":1,"recordsFailed":0,"errors":[]}`,
		`{"status":"PARTIAL_SUCCESS","recordsSucceeded":1,"recordsFailed":1,"errors":[]}`,
		`{"status":"PARTIAL_SUCCESS","recordsSucceeded":1,"recordsFailed":1,"errors":[{"id":"x","message":"y","listItem":{"shortCode":"Z"}}]}`,
		`{}`,
	} {
		c, mock := wired(t)
		answer(mock, http.MethodPost, bulkURL, 201, body)
		_, err := c.ListItems.BulkCreate(t.Context(), listID, parts("A", "B"))
		require.ErrorContains(t, err, "does not say", body)
	}
}

func TestBulkRefusalOfTheCallIsAnError(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodPatch, bulkURL, 400, `{"timestamp":"2023-05-02T16:18:47.340+00:00","httpStatus":"400 - Bad Request","error":{"id":"list.is.managed","message":"Modify operation not permitted on this managed list"},"path":"/"}`)
	_, err := c.ListItems.BulkUpdate(t.Context(), listID, []concur.ListItemChange{{Code: "A", Value: "B"}})
	var refused *concur.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "list.is.managed", refused.Code)
}

func TestBulkSendsOnce(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	seen := answer(mock, http.MethodPost, bulkURL, 503, ``)
	_, err := c.ListItems.BulkCreate(t.Context(), listID, parts("A"))
	require.Error(t, err)
	require.Len(t, *seen, 1)
}

func TestNothingWithAHyphenIsSent(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	for _, call := range []func() error{
		func() error { _, err := c.ListItems.BulkCreate(t.Context(), listID, parts("A-1")); return err },
		func() error {
			_, err := c.ListItems.BulkUpdate(t.Context(), listID, []concur.ListItemChange{{Code: "A", Value: "a-b"}})
			return err
		},
		func() error {
			_, err := c.ListItems.Create(t.Context(), concur.ListItemInput{ListID: listID, ShortCode: "A", Value: "a-b"})
			return err
		},
		func() error {
			_, err := c.ListItems.Update(t.Context(), listID, concur.ListItemUpdate{ShortCode: "A-1", Value: "a"})
			return err
		},
		func() error {
			_, err := c.ListItems.BulkCreate(t.Context(), listID, make([]concur.ListItemPart, 251))
			return err
		},
		func() error { _, err := c.ListItems.BulkCreate(t.Context(), listID, nil); return err },
	} {
		require.ErrorIs(t, call(), concur.ErrInvalid)
	}
	require.Zero(t, mock.GetTotalCallCount())
}

func TestDeletedIsSentOnlyWhereItIsSaid(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	b, err := json.Marshal([]concur.ListItemChange{{Code: "A", Value: "a"}, {Code: "B", Deleted: &yes}, {Code: "C", Value: "c", Deleted: &no}})
	require.NoError(t, err)
	require.JSONEq(t, `[{"code":"A","value":"a"},{"code":"B","deleted":true},{"code":"C","value":"c","deleted":false}]`, string(b))
}

func TestAListIsMadeFilledAndWalkedThrough(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	ctx := t.Context()
	l, err := o.client.Lists.Create(ctx, concur.ListInput{Value: "Projects: open", IsManaged: true})
	require.NoError(t, err)
	require.Equal(t, "appId:"+o.Server.App().ClientID, l.ManagedBy)
	var found []string
	for got, err := range o.client.Lists.List(ctx, concur.ListQuery{Value: concur.Match{Text: "Projects: open"}}) {
		require.NoError(t, err)
		found = append(found, got.ID)
	}
	require.Equal(t, []string{l.ID}, found)

	parent, err := o.client.ListItems.Create(ctx, concur.ListItemInput{ListID: l.ID, ShortCode: "A", Value: "Alpha"})
	require.NoError(t, err)
	var children []concur.ListItemPart
	for i := range 250 {
		children = append(children, concur.ListItemPart{ShortCode: fmt.Sprintf("%03d", i), Value: "child", ParentCode: "A"})
	}
	each, err := o.client.ListItems.BulkCreate(ctx, l.ID, children)
	require.NoError(t, err)
	require.False(t, slices.ContainsFunc(each, func(e error) bool { return e != nil }))
	count := 0
	for it, err := range o.client.ListItems.List(ctx, l.ID, concur.ListItemQuery{ParentID: parent.ID}) {
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(it.Code, "A-"))
		count++
	}
	require.Equal(t, 250, count)
	page, err := o.client.ListItems.ListPage(ctx, l.ID, concur.ListItemQuery{ParentID: parent.ID, ShortCode: concur.Match{Op: concur.MatchStartsWith, Text: "24"}}, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 10)
	require.Empty(t, page.Next)

	changed, err := o.client.ListItems.Update(ctx, parent.ID, concur.ListItemUpdate{ShortCode: "B", Value: "Beta"})
	require.NoError(t, err)
	require.Equal(t, "B", changed.Code)
	require.NoError(t, o.client.ListItems.Delete(ctx, l.ID, parent.ID))
	gone, err := o.client.ListItems.Get(ctx, page.Items[0].ID)
	require.NoError(t, err)
	require.True(t, gone.IsDeleted, "children go with their parent")
}

func TestAListThatAnotherAppManagesIsNotTouched(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	l := o.company.AddList("Theirs", concurtest.Item{Code: "A"})
	l.Manage(o.Server.AddApp(concurtest.App{Name: "other"}))
	_, err := o.client.ListItems.Create(t.Context(), concur.ListItemInput{ListID: l.ID(), ShortCode: "B", Value: "Beta"})
	require.ErrorContains(t, err, "list.is.managed")
	require.Error(t, o.client.ListItems.Delete(t.Context(), l.ID(), l.Value("A").ItemID))
	require.Len(t, l.Names(), 1)
}
