package concur_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

// hostileURLs look like the vendor's, or lead elsewhere, or are no URLs.
var hostileURLs = []string{
	"https://evil.example", "https://evil.example/api/v3.0/expense/reports?offset=2", "http://us2.api.concursolutions.com",
	"ftp://us2.api.concursolutions.com", "https://us2.api.concursolutions.com@evil.example", "https://us2.api.concursolutions.com:x@evil.example",
	"https://evil.example@us2.api.concursolutions.com", "https://evil.example:443@us2.api.concursolutions.com", "https://@us2.api.concursolutions.com",
	"https://us2.api.concursolutions.com.evil.example", "https://us2.api.concursolutions.com-evil.example", "https://us2-api.concursolutions.com",
	"https://us2.api.concursolutions.comevil.example", "https://evilconcursolutions.com", "https://api.concursolutions.com",
	"https://.api.concursolutions.com", "https://a.b.api.concursolutions.com", "https://us2..api.concursolutions.com",
	"https://us2.api.concursolutions.com.", "https://us2.api.concursolutions.com..", "https://us2.api.concursolutions.com:8443",
	"https://us2.api.concursolutions.com:0", "https://us2.api.concursolutions.com:", "https://us2.api.concursolutions.com:443:80",
	`https://evil.example\.api.concursolutions.com`, `https://evil.example\@us2.api.concursolutions.com`, `https:\\us2.api.concursolutions.com`,
	"https://evil.example#.api.concursolutions.com", "https://evil.example?.api.concursolutions.com", "https://evil.example/.api.concursolutions.com",
	"https://evil.example;.api.concursolutions.com", "https://evil.example,us2.api.concursolutions.com", "https://us2%2eapi.concursolutions.com",
	"https://us2.api.concursolutions.com%00.evil.example", "https://us2.api.concursolutions.com%2f.evil.example", "https://us2.api.concursolutions.com%09",
	"https://ｕs2.api.concursolutions.com", "https://us2.api.cоncursolutions.com", "https://us2。api。concursolutions。com",
	"https://xn--s2-xlc.api.concursolutions.com.evil.example", "https://us2.api.xn--cncursolutions-8xh.com", "https://us2.аpi.concursolutions.com",
	"https://127.0.0.1", "https://0x7f.0.0.1", "https://0177.0.0.1", "https://2130706433", "https://[::1]", "https://[::ffff:127.0.0.1]",
	"https://[fe80::1%25eth0]", "https://169.254.169.254/latest/meta-data", "https://localhost", "https://localhost:6379",
	"//evil.example", "///evil.example", "/\\evil.example", "evil.example", "javascript:alert(1)", "data:text/plain,x", "file:///etc/passwd",
	"https:evil.example", "https:/evil.example", "https://", "https:///path", "://", ":", "?", "#", " ", "\t", "https://us2.api.concursolutions.com\r\nHost: evil.example",
	"https://us2.api.concursolutions.com evil.example", "https://cn.api.concurcdc.cn.evil.example", "https://evil.cn.api.concurcdc.cn", "https://www.concursolutions.com",
	"gopher://us2.api.concursolutions.com", "https://user:password@evil.example:8443/x?y#z", "HTTPS://EVIL.EXAMPLE", strings.Repeat("https://a.", 500),
}

// markup is an answer of the image service with a URL.
type markup string

// watch is a transport that answers as told and remembers every host dialled.
type watch struct {
	mu      sync.Mutex
	dialled map[string]bool
	answer  func(*http.Request) (int, any)
}

func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.dialled[r.URL.Scheme+"://"+r.URL.Host] = true
	w.mu.Unlock()
	status, body := w.answer(r)
	if m, ok := body.(markup); ok {
		var text strings.Builder
		if err := xml.EscapeText(&text, []byte(m)); err != nil {
			return nil, err
		}
		return httpmock.NewStringResponse(status, "<Image><Id>AB12</Id><Url>"+text.String()+"</Url></Image>"), nil
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return httpmock.NewBytesResponse(status, b), nil
}

func TestHostileURLsAreNeverDialled(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, len(hostileURLs), 60)
	start := func(t *testing.T, w *watch) *concur.Client {
		t.Helper()
		w.dialled = map[string]bool{}
		store := concur.NewMemoryTokenStore()
		_, err := store.Save(t.Context(), concur.Token{AccessToken: "a", RefreshToken: "r", Geolocation: us2, Expiry: time.Now().Add(time.Hour)}, "")
		require.NoError(t, err)
		tokens, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, store, &concur.TokenOptions{HTTP: &http.Client{Transport: w}})
		require.NoError(t, err)
		return concur.NewClient(tokens, nil)
	}
	known := map[string]bool{us2: true}
	for i, link := range hostileURLs {
		t.Run(fmt.Sprintf("%d %.40q", i, link), func(t *testing.T) {
			t.Parallel()
			elsewhere := &watch{answer: func(*http.Request) (int, any) {
				return 400, map[string]any{"code": 16, "error": "invalid_request", "geolocation": link}
			}}
			_, err := start(t, elsewhere).Tokens().Refresh(t.Context())
			require.Error(t, err)
			require.Equal(t, known, elsewhere.dialled)

			moved := &watch{answer: func(*http.Request) (int, any) {
				return 200, map[string]any{"access_token": "b", "refresh_token": "r2", "expires_in": 3600, "geolocation": link}
			}}
			c := start(t, moved)
			_, err = c.Tokens().Refresh(t.Context())
			require.Error(t, err)
			_, _ = c.Reports.Get(t.Context(), ownerID, reportID)
			require.Equal(t, known, moved.dialled)

			paged := &watch{answer: func(*http.Request) (int, any) { return 200, map[string]any{"Items": []any{}, "NextPage": link} }}
			for _, err := range start(t, paged).ReportsV3.List(t.Context(), concur.ReportV3Query{}) {
				require.Error(t, err)
			}
			require.Equal(t, known, paged.dialled)

			// A link of Accounting Integration gives its position at most.
			linked := &watch{answer: func(r *http.Request) (int, any) {
				if r.URL.Query().Has("next") {
					return 200, map[string]any{"data": []any{}}
				}
				return 200, map[string]any{"data": []any{}, "links": map[string]any{"next": map[string]any{"href": link + "?next=2"}}}
			}}
			for account, err := range start(t, linked).AccountingIntegration.Accounts(t.Context(), ownerID, ownerID) {
				require.Nil(t, account)
				require.Error(t, err)
			}
			require.Equal(t, known, linked.dialled)

			// An address that a write answers is not called: its end is an id at most.
			made := &watch{answer: func(*http.Request) (int, any) { return 200, map[string]any{"uri": link, "URI": link, "ID": "1"} }}
			c = start(t, made)
			_, _ = c.Reports.Create(t.Context(), ownerID, concur.ReportInput{Name: "x"})
			_, _ = c.ReportsV3.Create(t.Context(), "ada@acme.example", concur.ReportV3Input{Name: "x"})
			require.Equal(t, known, made.dialled)

			pictured := &watch{answer: func(*http.Request) (int, any) { return 200, markup(link) }}
			_, err = start(t, pictured).Images.Fetch(t.Context(), concur.ImageByID, "AB12")
			require.Error(t, err)
			require.Equal(t, known, pictured.dialled)

			body, err := json.Marshal(map[string]any{"eventType": "statusChanged", "topic": concur.TopicExpenseReport, "facts": map[string]any{"href": link}})
			require.NoError(t, err)
			e, err := concur.ParseEvent(body)
			require.NoError(t, err)
			f, err := e.Report()
			require.NoError(t, err)
			require.Empty(t, f.Owner())

			// What is stored may have been written by somebody else.
			stored := &watch{answer: func(*http.Request) (int, any) { return 200, map[string]any{} }, dialled: map[string]bool{}}
			store := concur.NewMemoryTokenStore()
			_, err = store.Save(t.Context(), concur.Token{AccessToken: "a", RefreshToken: "r", Geolocation: link, Expiry: time.Now().Add(time.Hour)}, "")
			require.NoError(t, err)
			tokens, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, store, &concur.TokenOptions{HTTP: &http.Client{Transport: stored}})
			require.NoError(t, err)
			_, err = concur.NewClient(tokens, nil).Users.Get(t.Context(), ownerID)
			require.ErrorIs(t, err, concur.ErrHost)
			require.Error(t, tokens.Revoke(t.Context()))
			_, err = tokens.Refresh(t.Context())
			require.ErrorIs(t, err, concur.ErrHost)
			require.Empty(t, stored.dialled)

			_, err = concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, concur.NewMemoryTokenStore(), &concur.TokenOptions{BootstrapURL: link})
			if link != "" {
				require.ErrorIs(t, err, concur.ErrHost)
			}
		})
	}
}
