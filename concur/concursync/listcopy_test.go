package concursync_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

type itemEdit = connector.Edit[document.ListItem]

func upsert(code, name string, parents ...string) itemEdit {
	item := document.ListItem{Code: code, Name: name, Parents: parents}
	return itemEdit{Key: item.Key(), Content: item}
}

func known(e itemEdit) itemEdit {
	e.Known = true
	return e
}

func retire(code string, parents ...string) itemEdit {
	return itemEdit{Key: document.ListItem{Code: code, Parents: parents}.Key(), Known: true, Retire: true}
}

// copied applies edits and fails for a refusal of the whole call.
func copied(t *testing.T, o *office, l *concurtest.List, edits ...itemEdit) []error {
	t.Helper()
	each, err := concursync.ListCopy(o.client, l.ID(), nil).Apply(t.Context(), edits)
	require.NoError(t, err)
	require.Len(t, each, len(edits))
	return each
}

func allDone(t *testing.T, each []error) {
	t.Helper()
	require.NoError(t, errors.Join(each...))
}

func TestItemsAreCreatedRenamedAndDeleted(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Accounts")
	allDone(t, copied(t, o, l, upsert("6410|200|00", "Travel"), upsert("6420", "Meals")))
	require.Equal(t, map[string]string{"6410|200|00": "Travel", "6420": "Meals"}, l.Names())
	allDone(t, copied(t, o, l, known(upsert("6420", "Food")), upsert("6430", "Taxi")))
	require.Equal(t, map[string]string{"6410|200|00": "Travel", "6420": "Food", "6430": "Taxi"}, l.Names())
	allDone(t, copied(t, o, l, retire("6420")))
	require.Equal(t, map[string]string{"6410|200|00": "Travel", "6430": "Taxi"}, l.Names())
}

func TestHyphensGoOutEncodedAndReportsReadThemBack(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Cost centres")
	allDone(t, copied(t, o, l, upsert("CC-100", "North - East")))
	require.Equal(t, map[string]string{"CC~1100": "North – East"}, l.Names())
	e := lunch("12.50")
	e.Custom = concurtest.Custom{"custom5": l.Value("CC~1100")}
	r := o.approved(e)
	for want, opts := range map[string]*concursync.ReportsOptions{"CC-100": nil, "CC~1100": {RawCodes: true}} {
		s, err := concursync.Reports(o.client, opts).Fetch(t.Context(), connector.Ref{Kind: "report", ID: r.ID, Hint: o.owner.ID})
		require.NoError(t, err)
		require.Equal(t, want, s.Content.Entries[0].Custom["custom5"].Code)
	}
}

func TestEditsAreRepeatable(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Accounts")
	edits := []itemEdit{upsert("1", "One"), upsert("2", "Two")}
	for range 2 {
		allDone(t, copied(t, o, l, edits...))
	}
	for range 2 {
		allDone(t, copied(t, o, l, retire("1")))
	}
	allDone(t, copied(t, o, l, retire("never there")))
	require.Equal(t, map[string]string{"2": "Two"}, l.Names())
}

func TestWhatIsKnownButGoneIsCreatedAgain(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Accounts")
	allDone(t, copied(t, o, l, known(upsert("1", "One"))))
	require.Equal(t, map[string]string{"1": "One"}, l.Names())
}

func TestOneRefusedItemStopsNoOther(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Accounts")
	each := copied(t, o, l, upsert("1", "One"), upsert("2", "Two", "nobody"), upsert("3", "Three"))
	require.NoError(t, each[0])
	require.ErrorIs(t, each[1], concur.ErrNotFound)
	require.NoError(t, each[2])
	require.Equal(t, map[string]string{"1": "One", "3": "Three"}, l.Names())
	require.Equal(t, http.StatusPartialContent, o.CallsTo("/bulk")[0].Status)
}

func TestLevelsComeParentsFirst(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Projects")
	allDone(t, copied(t, o, l, upsert("A-1", "Alpha"), upsert("x/y", "Child", "A-1"), upsert("z", "Grandchild", "A-1", "x/y")))
	require.Equal(t, map[string]string{"A~11": "Alpha", "A~11-x/y": "Child", "A~11-x/y-z": "Grandchild"}, l.Names())
	allDone(t, copied(t, o, l, retire("x/y", "A-1"), retire("z", "A-1", "x/y")))
	require.Equal(t, map[string]string{"A~11": "Alpha"}, l.Names())
}

func TestAChildFindsAParentThatHadToBeMadeAgain(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Projects")
	allDone(t, copied(t, o, l, known(upsert("A", "Alpha")), upsert("1", "One", "A")))
	require.Equal(t, map[string]string{"A": "Alpha", "A-1": "One"}, l.Names())
}

func TestADeletedCodeComesBackWhereConcurLetsIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		codes concurtest.DeletedCodes
		back  bool
	}{{concurtest.DeletedFree, true}, {concurtest.DeletedRestore, true}, {concurtest.DeletedStay, false}} {
		t.Run(string(tt.codes), func(t *testing.T) {
			o := open(t, &concurtest.Options{DeletedCodes: tt.codes})
			l := o.company.AddList("Accounts")
			allDone(t, copied(t, o, l, upsert("1", "One")))
			allDone(t, copied(t, o, l, retire("1")))
			for _, e := range []itemEdit{upsert("1", "Again"), known(upsert("1", "Again"))} {
				each := copied(t, o, l, e)
				if tt.back {
					require.NoError(t, each[0])
					require.Equal(t, map[string]string{"1": "Again"}, l.Names())
				} else {
					require.ErrorIs(t, each[0], concursync.ErrCodeDeleted)
					require.Empty(t, l.Names())
				}
			}
		})
	}
}

func TestAListOfAnotherAppNeedsMending(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Accounts")
	l.Manage(o.AddApp(concurtest.App{Name: "other"}))
	_, err := concursync.ListCopy(o.client, l.ID(), nil).Apply(t.Context(), []itemEdit{upsert("1", "One")})
	require.ErrorIs(t, err, connector.ErrConnection)
	require.ErrorContains(t, err, "app that manages it")
	_, err = concursync.ListCopy(o.client, "3b241101-e2bb-4255-8caf-4136c566a962", nil).Apply(t.Context(), []itemEdit{upsert("1", "One")})
	require.ErrorIs(t, err, connector.ErrConnection)
}

func TestALostAnswerDoublesNothing(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Accounts")
	o.Inject(concurtest.Fault{Path: "/bulk", When: concurtest.After, Drop: true})
	c := concursync.ListCopy(o.client, l.ID(), nil)
	_, err := c.Apply(t.Context(), []itemEdit{upsert("1", "One")})
	require.Error(t, err)
	require.Len(t, o.CallsTo("/bulk"), 1, "a write is never sent twice by itself")
	allDone(t, copied(t, o, l, upsert("1", "One")))
	require.Len(t, l.Items(), 1)
}

func TestALimitIsWaitedForWithAFloorOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		l := o.company.AddList("Accounts")
		o.Inject(concurtest.RateLimited(2))
		began := time.Now()
		allDone(t, copied(t, o, l, upsert("1", "One")))
		require.GreaterOrEqual(t, time.Since(began), 3*time.Second, "1 s and 2 s, whatever retry-after says")
		o.Inject(concurtest.RateLimited(-1))
		_, err := concursync.ListCopy(o.client, l.ID(), nil).Apply(t.Context(), []itemEdit{upsert("2", "Two")})
		require.ErrorIs(t, err, concur.ErrRateLimited)
	})
}

func TestARefusedTokenIsRefreshedOnceForAWriteThatMayBeRepeated(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Accounts")
	_, err := o.client.Tokens().Token(t.Context())
	require.NoError(t, err)
	o.company.ExpireTokens()
	allDone(t, copied(t, o, l, upsert("1", "One")))
}

func TestTwoHundredAndFiftyPartsGoOutInOneCall(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Accounts")
	var edits []itemEdit
	for i := range 250 {
		edits = append(edits, upsert(fmt.Sprint(1000+i), "Account"))
	}
	require.Equal(t, 250, concursync.ListCopy(o.client, l.ID(), nil).Limit())
	allDone(t, copied(t, o, l, edits...))
	require.Len(t, o.CallsTo("/bulk"), 1)
	require.Len(t, l.Items(), 250)
}

func TestALongNameIsCutByOption(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	l := o.company.AddList("Accounts")
	each, err := concursync.ListCopy(o.client, l.ID(), &concursync.ListCopyOptions{MaxName: 8}).Apply(t.Context(), []itemEdit{upsert("1", strings.Repeat("ü", 9)), upsert("2", "")})
	require.NoError(t, err)
	allDone(t, each)
	require.Equal(t, map[string]string{"1": "üüüüüüü…", "2": "2"}, l.Names())
}
