package main

import (
	"crypto/rand"
	"crypto/rsa"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/check"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// signingKey is made once: it takes a while.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// checked is a connector with both systems simulated, to be broken in one place.
type checked struct {
	*simulators
	t    *testing.T
	dir  string // of the simulators' files
	path string // of the configuration
	data string // directory of the ledger
	opts check.Options
}

// worldOptions change the simulators where a configuration cannot.
type worldOptions struct {
	concur concurtest.Options
	epicor epicortest.Options
}

// newChecked starts the simulators, and connects unless told otherwise.
func newChecked(t *testing.T, connect bool, with *worldOptions) *checked {
	t.Helper()
	base := t.TempDir()
	if with == nil {
		with = &worldOptions{}
	}
	key, err := signingKey()
	require.NoError(t, err)
	with.concur.Key = key
	w := &checked{t: t, simulators: &simulators{concur: concurtest.New(&with.concur), epicor: epicortest.New(&with.epicor)}}
	t.Cleanup(w.close)
	c := fakesRunCommand{fakesDirFlag: fakesDirFlag{Dir: filepath.Join(base, "fakes")}, Listen: "127.0.0.1:0", Events: "http://127.0.0.1:1" + app.EventPath}
	stop, err := c.start(t.Context(), w.simulators)
	require.NoError(t, err)
	t.Cleanup(stop)
	w.dir, w.path, w.data = c.Dir, filepath.Join(c.Dir, fakesConfig), filepath.Join(base, "data")
	w.edit(fakesConfig, "data: ./ml-connector-data", "data: "+w.data)
	w.opts = check.Options{Path: w.path, Getenv: func(string) string { return "" }}
	if connect {
		r := perform(t, demoHooks{}, "connect", "-c", w.path, "--request-token", "file:"+filepath.Join(w.dir, fakesRequestToken))
		require.Zero(t, r.code, r.stderr)
	}
	return w
}

// edit changes one text of a file.
func (w *checked) edit(name, old, with string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	b, err := os.ReadFile(path)
	require.NoError(w.t, err)
	require.Contains(w.t, string(b), old)
	require.NoError(w.t, os.WriteFile(path, []byte(strings.Replace(string(b), old, with, 1)), 0o600))
}

func (w *checked) write(name, text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600))
}

// finds runs the check and returns the one result of a name that is to be mended.
func (w *checked) finds(area, name string) check.Result {
	w.t.Helper()
	all := check.Run(w.t.Context(), w.opts)
	i := slices.IndexFunc(all, func(r check.Result) bool { return r.Area == area && r.Name == name && r.Mend() })
	require.GreaterOrEqual(w.t, i, 0, "%s %s is to be mended in %+v", area, name, all)
	for _, r := range all {
		if r.Mend() {
			require.NotEmpty(w.t, r.Remedy, "%+v", r)
			require.NotEmpty(w.t, r.Owner, "%+v", r)
		}
		for _, secret := range []string{w.concur.App().ClientSecret, epicortest.DefaultAPIKey, epicortest.DefaultPassword, "canary"} {
			require.NotContains(w.t, r.What+r.Remedy, secret, "%+v", r)
		}
	}
	return all[i]
}

func TestCheckFindsNothingToMendWhereNothingIsWrong(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.opts.Write = true
	for _, r := range check.Run(t.Context(), w.opts) {
		require.False(t, r.Mend(), "%+v", r)
	}
	require.Empty(t, w.epicor.Groups(sample.EpicorCompany), "the test group is gone")
	r := perform(t, demoHooks{}, "check", "-c", w.path)
	require.Zero(t, r.code, r.stdout)
	require.Contains(t, r.stdout, "Nothing to mend.")
}

func TestCheckWritesNothingInEpicorUnlessAsked(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	check.Run(t.Context(), w.opts)
	for _, call := range w.epicor.Calls() {
		for _, method := range []string{"/Update", "/UpdateMaster", "/DeleteByID", "/DeleteMaster", "/LockAPGroup"} {
			require.False(t, strings.HasSuffix(call.Path, method), call.Path)
		}
	}
}

func TestCheckEndsWithTheNumberOfThingsToMendAndCodeTwo(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.write("epicor-password", "canary\n")
	r := perform(t, demoHooks{}, "check", "-c", w.path)
	require.Equal(t, exitMend, r.code)
	require.Equal(t, "ml-connector: 1 thing to mend\n", r.stderr)
	require.Contains(t, r.stdout, "→ Epicor admin: ")
	view := decode[checkView](t, perform(t, demoHooks{}, "check", "-c", w.path, "--json"))
	require.Equal(t, 1, view.Mend)
}

func TestCheckOfATenantThatIsNotThereNamesThoseThatAre(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	for _, args := range [][]string{nil, {"--json"}} {
		r := perform(t, demoHooks{}, append([]string{"check", "-c", w.path, "--tenant", "nope"}, args...)...)
		require.Equal(t, exitMend, r.code)
		require.Contains(t, r.stderr, `has no tenant "nope"; it has: brightwater`)
		require.Empty(t, r.stdout)
	}
}

func TestCheckNamesAConfigurationThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	w.opts.Path = "elsewhere.yaml"
	require.Contains(t, w.finds(check.Setup, "configuration").What, "elsewhere.yaml: the configuration does not exist")
}

func TestCheckNamesAnUnknownKey(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	w.edit(fakesConfig, "      user: integration ", "      usr: integration ")
	r := w.finds(check.Setup, "configuration")
	require.Contains(t, r.What, `unknown key "usr"`)
	require.Contains(t, r.Remedy, `"user"`)
}

func TestCheckNamesAMissingValue(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	w.edit(fakesConfig, "      company: ", "      # company: ")
	require.Contains(t, w.finds(check.Setup, "configuration").What, "tenants[1].concur.company is missing")
}

func TestCheckNamesAPlainSecret(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	w.edit(fakesConfig, "file:"+w.dir+"/epicor-password", "canary")
	require.Contains(t, w.finds(check.Setup, "configuration").What, "epicor.password holds a value where a reference belongs")
}

func TestCheckNamesASecretThatIsNotSet(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "file:"+w.dir+"/epicor-password", "env:EPICOR_PASSWORD")
	r := w.finds(check.Setup, "secrets")
	require.Contains(t, r.What, "EPICOR_PASSWORD is not set")
	require.Contains(t, r.Remedy, "environment")
}

func TestCheckNamesASecretThatTheVaultLacks(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "file:"+w.dir+"/epicor-password", "vault:epicor-password")
	require.Contains(t, w.finds(check.Setup, "secrets").What, `the vault holds no secret "epicor-password"`)
}

func TestCheckNamesADirectoryOfSomethingElse(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	require.NoError(t, os.MkdirAll(w.data, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(w.data, "cat.jpg"), []byte("cat"), 0o600))
	require.Contains(t, w.finds(check.Setup, "data directory").What, "belongs to something else")
}

func TestCheckNamesADataDirectoryThatIsNone(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	require.NoError(t, os.WriteFile(w.data, nil, 0o600))
	require.Contains(t, w.finds(check.Setup, "data directory").What, "not a directory")
}

func TestCheckNamesAVaultKeyThatOpensNothing(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	require.NoError(t, os.Remove(filepath.Join(w.dir, "vault.key")))
	key, err := vault.NewKey()
	require.NoError(t, err)
	require.NoError(t, vault.WriteKeyFile(filepath.Join(w.dir, "vault.key"), key))
	require.Contains(t, w.finds(check.Setup, "vault key").What, "sealed with a key that is not at hand")
}

func TestCheckNamesAVaultKeyThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	require.NoError(t, os.Remove(filepath.Join(w.dir, "vault.key")))
	require.Contains(t, w.finds(check.Setup, "vault key").Remedy, "secrets new-key")
}

// mends are what has to be mended, by area and name.
func (w *checked) mends() (names []string) {
	w.t.Helper()
	for _, r := range check.Run(w.t.Context(), w.opts) {
		if r.Mend() {
			names = append(names, r.Area+" "+r.Name)
		}
	}
	return names
}

func TestCheckBlamesNeitherSystemNorNetworkForAWrongVaultKey(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	require.NoError(t, os.Remove(filepath.Join(w.dir, "vault.key")))
	key, err := vault.NewKey()
	require.NoError(t, err)
	require.NoError(t, vault.WriteKeyFile(filepath.Join(w.dir, "vault.key"), key))
	require.Equal(t, []string{"Setup vault key"}, w.mends())
}

func TestCheckBlamesNobodyElseForAMissingVaultKey(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	require.NoError(t, os.Remove(filepath.Join(w.dir, "vault.key")))
	require.Equal(t, []string{"Setup vault key"}, w.mends())
}

func TestCheckBlamesNothingInEpicorForAWrongAddressOfConcur(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "      bootstrap: ", "      bootstrap: https://concur.example # ")
	require.Equal(t, []string{"Concur address"}, w.mends())
	for _, r := range check.Run(t.Context(), w.opts) {
		require.NotContains(t, r.What, "could not be read", "Epicor was never asked")
	}
}

func TestCheckNamesASignatureKeyFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.write("signature.pem", "no key\n")
	require.Contains(t, w.finds(check.Setup, "signature keys").What, "signature.pem")
}

func TestCheckWarnsOfAWebhookThatIsNotReachableFromHere(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	all := check.Run(t.Context(), w.opts)
	i := slices.IndexFunc(all, func(r check.Result) bool { return r.Name == "webhook" })
	require.Equal(t, check.Warning, all[i].State)
	require.False(t, all[i].Mend())
	require.Contains(t, all[i].Remedy, "ml-connector serve")
}

func TestCheckSaysThatNoDayOfGoLiveIsNamed(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	named := func() bool {
		return slices.ContainsFunc(check.Run(t.Context(), w.opts), func(r check.Result) bool {
			return r.Name == "go-live" && r.State == check.Warning && strings.Contains(r.Remedy, "concur.from")
		})
	}
	require.False(t, named())
	w.edit(fakesConfig, "      from: ", "      # from: ")
	require.True(t, named())
}

func TestCheckNamesAnAuditTrailThatWasChanged(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	db, err := sql.Open("sqlite", filepath.Join(w.data, app.AuditFile))
	require.NoError(t, err)
	// Who owns the file can take the guards of its tables away.
	var table, trigger string
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%actor%'`).Scan(&table))
	for db.QueryRowContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'trigger'`).Scan(&trigger) == nil {
		_, err = db.ExecContext(t.Context(), `DROP TRIGGER `+trigger)
		require.NoError(t, err)
	}
	_, err = db.ExecContext(t.Context(), `UPDATE `+table+` SET actor = 'somebody' WHERE seq = 1`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.Contains(t, w.finds(check.Setup, "audit trail").What, "broken after record 0")
}

func TestCheckNamesAConcurThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.concur.Close()
	r := w.finds(check.Concur, "address")
	require.Contains(t, r.What, "does not answer")
	require.Equal(t, check.Network, r.Owner)
}

func TestCheckNamesAWrongAppSecret(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.write("concur-client-secret", "canary\n")
	r := w.finds(check.Concur, "app")
	require.Contains(t, r.What, "code 64")
	require.Contains(t, r.Remedy, "current client secret")
}

func TestCheckNamesATenantThatIsNotConnected(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	require.Contains(t, w.finds(check.Setup, "data directory").Remedy, "ml-connector connect")
	require.NoDirExists(t, w.data, "a check makes no ledger")

	r := perform(t, demoHooks{}, "connect", "-c", w.path, "--request-token", "file:"+filepath.Join(w.dir, fakesAdmin))
	require.Equal(t, exitMend, r.code, "a wrong request token")
	require.Regexp(t, `code 5|code 19`, r.stderr)
	require.Contains(t, w.finds(check.Concur, "token").Remedy, "company request token")
}

func TestCheckNamesARefreshTokenThatIsDead(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.company.Revoke()
	r := w.finds(check.Concur, "token")
	require.Contains(t, r.What, "code 108")
	require.Contains(t, r.Remedy, "new company request token")
	for _, r := range check.Run(t.Context(), w.opts) {
		require.Equal(t, r.Area == check.Concur && r.Name == "token", r.Mend(), "nothing else is blamed: %+v", r)
	}
}

func TestCheckWarnsOfARefreshTokenThatEndsSoon(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, &worldOptions{concur: concurtest.Options{RefreshTokenLifetime: 10*24*time.Hour + time.Hour}})
	all := check.Run(t.Context(), w.opts)
	i := slices.IndexFunc(all, func(r check.Result) bool { return r.Area == check.Concur && r.Name == "token" })
	require.Equal(t, check.Warning, all[i].State)
	require.Contains(t, all[i].What, "(10 days)")
}

func TestCheckNamesEachScopeThatIsMissingAndWhatItIsFor(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, &worldOptions{concur: concurtest.Options{AppScopes: []string{
		"EXPRPT", "INVPMT", "identity.user.ids.read", "spend.listitem.read", "events.topic.read", "spend.list.read",
		"spend.listitem.write", "spend.listitem.delete", "INVVEN", "expense.report.readwrite",
	}}})
	for _, r := range check.Run(t.Context(), w.opts) {
		require.False(t, r.Mend() && r.Name == "scopes", "%+v", r)
	}
	w = newChecked(t, true, &worldOptions{concur: concurtest.Options{AppScopes: []string{"EXPRPT", "events.topic.read", "expense.report.read", "spend.list.read"}}})
	var missing []string
	for _, r := range check.Run(t.Context(), w.opts) {
		if r.Name == "scopes" {
			require.Equal(t, check.Missing, r.State)
			require.Equal(t, check.ConcurAdmin, r.Owner)
			missing = append(missing, strings.Fields(r.What)[0])
		}
	}
	require.Equal(t, []string{"identity.user.ids.read", "spend.listitem.read", "INVPMT", "spend.listitem.write", "spend.listitem.delete", "INVVEN"}, missing)
}

func TestCheckNamesACompanyThatIsNotTheConfigurations(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "company: "+w.company.ID, "company: 99999999-c7ae-7d61-0c72-d23abdf64959")
	require.Contains(t, w.finds(check.Concur, "company").What, "the configuration says 99999999")
}

func TestCheckNamesAListThatDoesNotExistAndThoseThatDo(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "list: "+w.company.ListNamed(sample.CentreList).ID(), "list: 99999999-c7ae-7d61-0c72-d23abdf64959")
	r := w.finds(check.Concur, "list of cost centres")
	require.Contains(t, r.What, "no list 99999999")
	require.Contains(t, r.Remedy, `"Cost centres"`)
}

func TestCheckNamesInvoiceCodesThatTheCompanyDoesNotHave(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "ready_approval: [A_APPR]", "ready_approval: [APPROVED]")
	r := w.finds(check.Concur, "invoice codes")
	require.Contains(t, r.What, `"APPROVED"`)
	require.Contains(t, r.What, "A_APPR", "the codes that there are")
}

func TestCheckNamesASubscriptionThatIsMissing(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "# subscription: ml-connector-expense-report", "subscription: another-one # ")
	r := w.finds(check.Concur, "subscription")
	require.Equal(t, check.Missing, r.State)
	require.Contains(t, r.Remedy, "ml-connector subscribe")

	require.Zero(t, perform(t, demoHooks{}, "subscribe", "-c", w.path).code)
	for _, r := range check.Run(t.Context(), w.opts) {
		require.False(t, r.Mend(), "%+v", r)
	}
}

func TestCheckNamesASubscriptionThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "url: http://127.0.0.1:1/", "url: http://127.0.0.1:2/")
	require.Contains(t, w.finds(check.Concur, "subscription").What, "events.url is http://127.0.0.1:2/concur/events")

	require.Zero(t, perform(t, demoHooks{}, "subscribe", "-c", w.path).code)
	for _, r := range check.Run(t.Context(), w.opts) {
		require.False(t, r.Mend(), "%+v", r)
	}
}

func TestCheckNamesAnEpicorThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.epicor.Close()
	require.Contains(t, w.finds(check.Epicor, "address").What, "does not answer")
}

func TestCheckNamesPlainHTTP(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "allow_http: true", "allow_http: false")
	require.Contains(t, w.finds(check.Setup, "configuration").What, "plain http would show the password")
}

func TestCheckNamesACertificateOfAnUnknownAuthority(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	s := httptest.NewTLSServer(w.epicor.Handler())
	t.Cleanup(s.Close)
	s.Config.ErrorLog = nil
	w.edit(fakesConfig, "url: "+w.epicor.URL, "url: "+s.URL)
	r := w.finds(check.Epicor, "certificate")
	require.Contains(t, r.What, "authority that is not known")
	require.Contains(t, r.Remedy, "epicor.root_cas")
}

func TestCheckNamesAnAddressThatIsNoRoot(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "/api/v2/odata/EPIC06", "/kinetic")
	require.Contains(t, w.finds(check.Epicor, "address").Remedy, "/api/v2/odata/COMPANY")
}

func TestCheckNamesAWrongPassword(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.write("epicor-password", "canary\n")
	require.Contains(t, w.finds(check.Epicor, "credentials").What, "does not accept user name and password")
}

func TestCheckNamesAWrongAPIKeyByItsCompany(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.write("epicor-api-key", "canary\n")
	require.Contains(t, w.finds(check.Epicor, "x-api-key").What, "for company EPIC06")
}

func TestCheckNamesEachMethodThatTheAccessScopeLacks(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	scope := []epicortest.Right{{Service: "Erp.BO.VendorSvc"}, {Service: "Erp.BO.GLAccountSvc"}, {Service: "Erp.BO.COASegValuesSvc"}, {Service: "Erp.BO.APInvGrpSvc"}, {Service: "Erp.BO.FiscalCalSvc"}}
	for _, method := range []string{"APInvoices", "GetByID", "GetNewAPInvHedInvoice", "GetNewAPInvHedDebitMemo", "ChangeVendorID", "ChangeInvoiceVendorAmt", "GetNewAPInvDtlMiscellaneous", "ChangeExtCost", "GetNewAPInvExp"} {
		scope = append(scope, epicortest.Right{Service: "Erp.BO.APInvoiceSvc", Method: method})
	}
	w.epicor.AddKeys(epicortest.APIKey{Key: epicortest.DefaultAPIKey, Scope: scope})
	require.Contains(t, w.finds(check.Epicor, "rights").What, "Erp.BO.APInvoiceSvc/GetNewAPInvExpTGLC is not allowed")
}

// rights returns what a check says about rights in Epicor, by state.
func (w *checked) rights() map[check.State][]string {
	w.t.Helper()
	out := map[check.State][]string{}
	for _, r := range check.Run(w.t.Context(), w.opts) {
		if r.Area == check.Epicor && r.Name == "rights" {
			out[r.State] = append(out[r.State], r.What)
		}
	}
	return out
}

func TestCheckCountsNoRightWhereEpicorIsGoneAfterTheFirstCall(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.epicor.Inject(epicortest.Fault{Skip: 1, Times: -1, Drop: true})
	said := map[string]check.Result{}
	for _, r := range check.Run(t.Context(), w.opts) {
		if r.Area == check.Epicor {
			said[r.Name] = r
		}
	}
	require.Equal(t, check.OK, said["credentials"].State, "the first call is answered")
	require.Equal(t, check.Wrong, said["address"].State)
	require.Contains(t, said["address"].What, "does not answer")
	require.Equal(t, check.Untried, said["rights"].State)
	require.Contains(t, said["rights"].What, "stopped answering: Erp.BO.VendorSvc/Vendors, Erp.BO.GLAccountSvc/GLAccounts, ")
}

func TestCheckCountsNoRightWhereAMethodFails(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.epicor.Inject(epicortest.Fault{Path: "/ChangeVendorID", Times: -1, Status: http.StatusInternalServerError, Body: `{"HttpStatus":500,"ErrorMessage":"Bang"}`})
	rights := w.rights()
	require.Empty(t, rights[check.OK])
	require.Empty(t, rights[check.Missing])
	require.Regexp(t, `^Erp.BO.APInvoiceSvc/ChangeVendorID: .*500.*Bang`, rights[check.Untried][0])
}

func TestCheckNamesTheMethodsThatItDoesNotTry(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	untried := strings.Join(w.rights()[check.Untried], "\n")
	for _, method := range []string{"LockAPGroup", "UpdateMaster", "OnChangeofApplyDateWithDateCheck", "DeleteByID"} {
		require.Contains(t, untried, method)
	}
	w.opts.Write = true
	untried = strings.Join(w.rights()[check.Untried], "\n")
	require.NotContains(t, untried, "LockAPGroup")
	require.Contains(t, untried, "UpdateMaster")
}

func TestCheckNamesACompanyThatEpicorDoesNotHave(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "/api/v2/odata/EPIC06", "/api/v2/odata/EPIC07")
	require.Contains(t, w.finds(check.Epicor, "company").What, "company EPIC07")
}

func TestCheckNamesAKeyColumnThatIsMissing(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "# key_column: ExternalID", "key_column: ConcurKey_c #")
	r := w.finds(check.Epicor, "key column")
	require.Contains(t, r.What, "APInvHed has no column ConcurKey_c")
	require.Contains(t, r.Remedy, "Extended UD")
}

func TestCheckNamesAFiscalPeriodThatIsClosed(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.opts.Write = true
	today := time.Now()
	w.epicor.ClosePeriod(sample.EpicorCompany, today.Year(), int(today.Month()))
	r := w.finds(check.Epicor, "fiscal period")
	require.Contains(t, r.What, "closed")
	require.Equal(t, check.Finance, r.Owner)
}

func TestCheckNamesTodaysFiscalPeriod(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	all := check.Run(t.Context(), w.opts)
	i := slices.IndexFunc(all, func(r check.Result) bool { return r.Name == "fiscal period" })
	require.Equal(t, check.OK, all[i].State, all[i].What)
	require.Contains(t, all[i].What, "today lies in "+time.Now().Format("2006/1"))
}

func TestCheckNamesADayWithoutAFiscalPeriod(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.opts.Now = func() time.Time { return time.Now().AddDate(3, 0, 0) }
	require.Contains(t, w.finds(check.Epicor, "fiscal period").What, "no fiscal period holds today")
}

func TestCheckNamesFaultsOfTheRules(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(app.MappingFile, "cost_centres:", "cost_centers:")
	require.Regexp(t, `mapping.yaml:\d+:\d+: unknown key "cost_centers"`, w.finds(check.Mapping, "rules").What)
}

func TestCheckNamesAVendorThatTheRulesNameAndEpicorLacks(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(app.MappingFile, "DELTA: V0211", "DELTA: V9999")
	require.Regexp(t, `mapping.yaml:\d+:\d+: suppliers.vendors.DELTA names vendor V9999, which is not in Epicor`, w.finds(check.Mapping, "names").What)
}

func TestCheckNamesAVendorThatIsInactive(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.epicor.AddVendors(sample.EpicorCompany, epicortest.Vendor{ID: "V9999", Name: "Gone", Inactive: true})
	w.edit(app.MappingFile, "DELTA: V0211", "DELTA: V9999")
	require.Contains(t, w.finds(check.Mapping, "names").What, "which is inactive")
}

func TestCheckNamesAnAccountThatIsInactive(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.epicor.AddAccounts(sample.EpicorCompany, epicortest.GLAccount{Account: "2310|000|00", Desc: "Sales tax", Inactive: true})
	r := w.finds(check.Mapping, "names")
	require.Contains(t, r.What, "2310|000|00")
	require.Equal(t, check.Finance, r.Owner)
}

func TestCheckNamesAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.opts.Now = func() time.Time { return time.Now().Add(-9 * time.Second) }
	for _, area := range []string{check.Concur, check.Epicor} {
		r := w.finds(area, "clock")
		require.Contains(t, r.What, "behind "+area)
		require.Contains(t, r.Remedy, "time server")
	}
	w.opts.Now = func() time.Time { return time.Now().Add(3 * time.Second) }
	for _, r := range check.Run(t.Context(), w.opts) {
		require.False(t, r.Mend(), "%+v", r)
	}
}

func TestCheckNamesAHostThatTokensAreNotSentTo(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	for _, center := range w.concur.DataCenters() {
		w.edit(fakesConfig, "        - "+center.URL+"\n", "")
	}
	w.edit(fakesConfig, "allow_hosts: ", "allow_hosts: [] ")
	r := w.finds(check.Concur, "address")
	require.Contains(t, r.What, concur.ErrHost.Error())
	require.Contains(t, r.Remedy, "allow_hosts")
}

// What a proxy in front of Epicor answers is no answer of Epicor's.
func TestCheckNamesAGatewayThatAnswersInEpicorsPlace(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.epicor.Inject(epicortest.Fault{Status: http.StatusBadGateway, Body: "<html>Bad gateway</html>", Times: -1})
	require.Contains(t, w.finds(check.Epicor, "address").What, "502")
}

func TestCheckSaysThatEveryColumnExistsAndHowLongANumberMayBe(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	all := check.Run(t.Context(), w.opts)
	i := slices.IndexFunc(all, func(r check.Result) bool { return r.Name == "columns" })
	require.Equal(t, check.OK, all[i].State, all[i].What)
	require.Regexp(t, `all that are used exist, invoice numbers may have \d+ characters`, all[i].What)
}

func TestCheckNamesColumnsThatTheTenantLacks(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	w.edit(fakesConfig, "# key_column: ExternalID", "key_column: ConcurKey_c #")
	r := w.finds(check.Epicor, "columns")
	require.Contains(t, r.What, "APInvHed.ConcurKey_c")
}
