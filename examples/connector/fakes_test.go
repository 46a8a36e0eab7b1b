package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/check"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
)

// Identifiers of the simulators are made up, the same in every run.
func TestTheExampleNamesTheSamplesOwnIdentifiers(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	for _, id := range []string{
		w.company.ID, w.concur.App().ClientID, w.company.ListNamed(sample.AccountList).ID(), w.company.ListNamed(sample.CentreList).ID(),
		fakesListen, fakesDir, fakesEvents,
	} {
		require.Contains(t, exampleConfig, id)
	}
}

func TestTheSimulatorsRunOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:8400", "10.0.0.1:8400", ":8400", "example.com:1", "127.0.0.1:70000", "8400"} {
		r := perform(t, demoHooks{}, "fakes", "--listen", addr, "--dir", filepath.Join(t.TempDir(), "fakes"))
		require.Equal(t, exitMend, r.code, addr)
		require.Contains(t, r.stderr, "--listen", addr)
	}
}

func TestTheSimulatorsWriteIntoNoDirectoryOfSomethingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("mine"), 0o600))
	r := perform(t, demoHooks{}, "fakes", "--listen", "127.0.0.1:0", "--dir", dir)
	require.Equal(t, exitMend, r.code)
	require.Contains(t, r.stderr, "nothing in it was touched")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestTheAdministrationSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	f := fakesDirFlag{Dir: w.dir}
	_, err := f.call(t.Context(), "POST", "/approve", approval{Numbers: []string{"NOSUCH"}})
	require.ErrorContains(t, err, `no document "NOSUCH"`)
	_, err = f.call(t.Context(), "POST", "/accounts", account{Account: "5100"})
	require.ErrorContains(t, err, "is no GL account here")
}

func TestTheSimulatorsSayThatADataDirectoryRemembersEarlierOnes(t *testing.T) {
	t.Parallel()
	require.Contains(t, exampleConfig, "data: "+fakesData)
	dir := filepath.Join(t.TempDir(), "data")
	require.Empty(t, remembered(dir))
	require.NoError(t, app.Mark(dir, app.Marker{Kind: app.Live}))
	require.Contains(t, remembered(dir), "mv "+dir)
}

// Two customers in one process: each with its own company, its own token.
func TestTwoTenantsAreConnectedAndCheckedEachForItself(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	second := w.concur.AddCompany("Ashdown Optics", nil)
	w.write("second-token", second.RequestToken()+"\n")
	b, err := os.ReadFile(w.path)
	require.NoError(t, err)
	_, tenant, found := strings.Cut(string(b), "\ntenants:\n")
	require.True(t, found)
	begin, rest, _ := strings.Cut(tenant, "    mirrors:")
	_, policy, _ := strings.Cut(rest, "    policy:")
	tenant = strings.NewReplacer("name: brightwater", "name: ashdown", w.company.ID, second.ID).Replace(begin + "    policy:" + policy)
	require.NoError(t, os.WriteFile(w.path, append(b, tenant...), 0o600))

	r := perform(t, demoHooks{}, "connect", "-c", w.path, "--request-token", "file:"+filepath.Join(w.dir, "second-token"))
	require.Equal(t, exitMend, r.code)
	require.Contains(t, r.stderr, "--tenant: brightwater, ashdown")
	require.Contains(t, w.finds(check.Concur, "token").What, "not connected to Concur yet")

	r = perform(t, demoHooks{}, "connect", "-c", w.path, "--tenant", "ashdown", "--request-token", "file:"+filepath.Join(w.dir, "second-token"))
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, second.ID)
	tenants := map[string]int{}
	for _, r := range check.Run(t.Context(), w.opts) {
		require.False(t, r.Mend(), "%+v", r)
		tenants[r.Tenant]++
	}
	require.Greater(t, tenants["brightwater"], 10)
	require.Greater(t, tenants["ashdown"], 10)
	m, err := app.ReadMarker(w.data)
	require.NoError(t, err)
	require.Equal(t, []string{"brightwater", "ashdown"}, m.Tenants, "a check leaves the marker as it is")
}

// left is every file of a directory with its text.
func left(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(b)
	}
	return out
}

func TestSecondSimulatorsLeaveTheFilesOfRunningOnesAlone(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	before := left(t, w.dir)
	r := perform(t, demoHooks{}, "fakes", "--listen", "127.0.0.1:0", "--dir", w.dir)
	require.Equal(t, exitMend, r.code)
	require.Contains(t, r.stderr, "simulators run with "+w.dir+" already")
	require.Contains(t, r.stderr, "--dir")
	require.Equal(t, before, left(t, w.dir))
}

func TestSimulatorsWhoseAddressIsTakenLeaveTheDirectoryAlone(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	require.NoError(t, forget(w.dir)) // so that it is the address alone that stops them
	before := left(t, w.dir)
	r := perform(t, demoHooks{}, "fakes", "--listen", strings.TrimPrefix(w.concur.URL, "http://"), "--dir", w.dir)
	require.Equal(t, exitMend, r.code)
	require.Contains(t, r.stderr, "name other addresses with --listen")
	require.Equal(t, before, left(t, w.dir))
}

func TestADirectoryThatHoldsOnlyWhatSimulatorsWroteIsRenewedWithoutItsMarker(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	for _, name := range []string{app.MarkerFile, app.MappingFile, fakesAdmin} {
		require.NoError(t, os.Remove(filepath.Join(w.dir, name)))
	}
	require.NoError(t, renewFakes(w.dir))
	require.Contains(t, left(t, w.dir), "vault.key", "it opens the data of earlier connectors")
}

func TestADirectoryWithSecretsOfALiveEpicorIsNotTheSimulators(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	require.NoError(t, os.Remove(filepath.Join(w.dir, app.MarkerFile)))
	w.write(fakesUserFile, "somebody's own\n")
	before := left(t, w.dir)
	err := renewFakes(w.dir)
	require.ErrorContains(t, err, "nothing in it was touched")
	require.ErrorContains(t, err, "--dir")
	require.Equal(t, before, left(t, w.dir))
}
