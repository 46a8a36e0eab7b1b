package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
)

// example is config.example.yaml.
func example(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "config.example.yaml"))
	require.NoError(t, err)
	return string(b)
}

// faults parses a configuration that has faults and returns them.
func faults(t *testing.T, text string) config.Faults {
	t.Helper()
	_, err := config.Parse("config.yaml", []byte(text))
	var fs config.Faults
	require.ErrorAs(t, err, &fs)
	return fs
}

// change replaces one text of the example by another.
func change(t *testing.T, old, with string) string {
	t.Helper()
	text := example(t)
	require.Contains(t, text, old)
	return strings.Replace(text, old, with, 1)
}

func TestTheExampleIsSound(t *testing.T) {
	c, err := config.Load(filepath.Join("..", "..", "config.example.yaml"))
	require.NoError(t, err)
	require.Equal(t, "brightwater", c.Tenants[0].Name)
	require.Equal(t, "file:./ml-connector-fakes/epicor-password", c.Tenants[0].Epicor.Password.String())
	require.NotNil(t, c.Tenants[0].Mirrors.Vendors)
}

// Every key stands in the example, written or as a comment with its default, so
// that nobody has to look for one elsewhere.
func TestTheExampleNamesEveryKey(t *testing.T) {
	text := example(t)
	for _, key := range config.Keys() {
		require.Regexp(t, `(?m)^[ #-]*`+key+`:|[{,] *`+key+`:`, text, "key %s", key)
	}
}

// Comments are defaults that can be switched on: with all of them the file is
// still sound.
func TestTheExampleWithItsCommentsSwitchedOnIsSound(t *testing.T) {
	var lines []string
	for line := range strings.SplitSeq(example(t), "\n") {
		trimmed := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(trimmed)]
		key, rest, found := strings.Cut(strings.TrimPrefix(trimmed, "# "), ":")
		if strings.HasPrefix(trimmed, "# ") && found && !strings.Contains(key, " ") && rest != "" {
			if strings.HasPrefix(rest, ` ""`) || key == "env" || key == "file" || key == "vault" || key == "cert" || key == "key" {
				continue // an empty value is the same as none
			}
			line = indent + strings.TrimPrefix(trimmed, "# ")
		}
		lines = append(lines, strings.Replace(line, ": {}", ":", 1))
	}
	_, err := config.Parse("config.yaml", []byte(strings.Join(lines, "\n")))
	require.NoError(t, err)
}

func TestAnUnknownKeyIsRefusedWithItsPlaceAndTheNearestRightName(t *testing.T) {
	fs := faults(t, change(t, "      user: integration ", "      usr: integration "))
	require.Len(t, fs, 1, "the mistyped key is not missing besides")
	require.Equal(t, config.UnknownKey, fs[0].Kind)
	require.Regexp(t, `^config.yaml:\d+:7: unknown key "usr" under tenants\[1\].epicor; did you mean "user"\?`, fs.Error())
}

func TestAllMissingValuesAreToldAtOnce(t *testing.T) {
	fs := faults(t, "listen: 127.0.0.1:8484\ntenants:\n  - name: acme\n    epicor: {url: 'https://kinetic.acme.example/prod/api/v2/odata/ACME'}\n")
	var missing []string
	for _, f := range fs {
		require.Equal(t, config.Missing, f.Kind, f.Error())
		missing = append(missing, strings.Fields(f.What)[0])
	}
	require.ElementsMatch(t, []string{
		"data", "vault.key", "events.keys", "tenants[1].mapping", "tenants[1].concur.company", "tenants[1].concur.client_id",
		"tenants[1].concur.client_secret", "tenants[1].epicor.api_key", "tenants[1].epicor.user", "tenants[1].epicor.password",
	}, missing)
}

func TestASecretInTheFileIsRefusedWithItsLineAndNotRepeated(t *testing.T) {
	const canary = "hunter2-canary"
	fs := faults(t, change(t, "file:./ml-connector-fakes/epicor-password", canary))
	require.Len(t, fs, 1)
	require.Equal(t, config.Exposed, fs[0].Kind)
	require.Positive(t, fs[0].Line)
	require.NotContains(t, fs.Error(), canary)
	require.Contains(t, fs.Error(), "tenants[1].epicor.password holds a value where a reference belongs")
}

func TestReferencesThatLeadNowhereAreToldAtOnce(t *testing.T) {
	text := strings.ReplaceAll(example(t), "file:./ml-connector-fakes/", "file:"+t.TempDir()+"/")
	text = strings.Replace(text, "api_key: file:", "api_key: env:ACME_KEY #", 1)
	c, err := config.Parse("config.yaml", []byte(text))
	require.NoError(t, err)
	_, err = c.App(func(string) string { return "" })
	var fs config.Faults
	require.ErrorAs(t, err, &fs)
	require.Len(t, fs, 5, fs.Error())
	require.Contains(t, fs.Error(), "tenants[1].epicor.api_key is env:ACME_KEY: the environment variable ACME_KEY is not set")
	for _, f := range fs {
		require.Equal(t, config.Unset, f.Kind, f.Error())
		require.Positive(t, f.Line, f.Error())
		require.NotEmpty(t, f.Remedy)
	}
}

func TestFaultsOfOneValueAreNamed(t *testing.T) {
	for _, tc := range []struct{ name, old, with, want string }{
		{"plain http", "allow_http: true", "allow_http: false", "plain http would show the password"},
		{"plain http elsewhere", "url: http://127.0.0.1:8410", "url: http://10.0.0.5:8410", "plain http is allowed on this machine only"},
		{"open listener", "listen: 127.0.0.1:8484", "listen: 0.0.0.0:8484", "nothing says how TLS ends"},
		{"half a certificate", "tls: {}", "tls: {cert: a.pem}", "cert and key belong together"},
		{"company", "company: 25d0", "company: xx", "is no UUID"},
		{"duration", "sweep: 15s", "sweep: soon", "is no duration"},
		{"never", "sweep: 15s", "lease: never", "is no duration"},
		{"event address", "url: http://127.0.0.1:8484/concur", "url: http://connector.acme.example/concur", "https addresses only"},
		{"two documents", "log: {}", "---\nlog: {}", "a second YAML document"},
		{"twice", "log: {}", "log: {}\nlog: {}", "already defined"},
		{"segment", "segment: 2 ", "segment: 21 ", "which segment"},
		{"word", "log: {}", "log: {level: inof}", `did you mean "info"?`},
		{"key in itself", "key: file:./ml-connector-fakes/vault.key", "key: vault:key", "cannot be in the vault"},
		{"no status", "ready_approval: [A_APPR]", "ready_approval: []", "no status says when"},
		{"anybody's header", "keys: ./ml-connector-fakes/signature.pem", "certificate: {header: X-Client-Subject}", "anybody could send the header"},
		{"header and authorities", "keys: ./ml-connector-fakes/signature.pem", "certificate: {header: X-S, trusted: [10.0.0.5/32], authorities: a.pem}", "either authorities or a proxy's header"},
		{"certificate without TLS", "keys: ./ml-connector-fakes/signature.pem", "certificate: {authorities: a.pem}", "without tls.cert and tls.key"},
		{"proxy's address", "keys: ./ml-connector-fakes/signature.pem", "certificate: {header: X-S, trusted: [proxy]}", "is no range of addresses"},
		{"both first days", "coa_code: MAIN", "first_open: 2026-01-01\n      closed_column: APClosed_c", "remove one of them"},
		{"lines at once", "coa_code: MAIN", "coa_code: MAIN\n      lines_at_once: 101", "101 is too many"},
		{"secret of another way", "password: file:./ml-connector-fakes/epicor-password", "password: env:A\n      client_secret: env:B", "auth: basic does not use it"},
		{"client without a secret", "password: file:./ml-connector-fakes/epicor-password", "auth: client_credentials\n      token_url: https://login.example.com/token\n      client_id: x", "client_secret is missing"},
		{"no file", "log: {}", "log: [", "not readable as YAML"},
		{"no way to know Concur", "keys: ./ml-connector-fakes/signature.pem", "algorithm: pss", "events.keys is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fs := faults(t, change(t, tc.old, tc.with))
			require.Contains(t, fs.Error(), tc.want)
			require.Positive(t, fs[0].Line, fs.Error())
		})
	}
}

func TestTwoTenantsStandInOneFile(t *testing.T) {
	text := example(t)
	_, second, _ := strings.Cut(text, "tenants:\n")
	second = strings.NewReplacer("name: brightwater", "name: ashdown", "25d031e5", "35d031e5").Replace(second)
	c, err := config.Parse("config.yaml", []byte(text+second))
	require.NoError(t, err)
	require.Len(t, c.Tenants, 2)

	fs := faults(t, text+strings.Replace(second, "35d031e5", "25D031E5", 1))
	require.Contains(t, fs.Error(), "tenants[2].concur.company belongs to tenant 1 already")
}

func FuzzParse(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("..", "..", "config.example.yaml"))
	require.NoError(f, err)
	f.Add(string(b))
	f.Add("tenants: [{}]")
	f.Add("vault: {key: hunter2}")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Parse("config.yaml", []byte(text))
		if err == nil {
			require.NotEmpty(t, c.Data)
			return
		}
		var fs config.Faults
		require.ErrorAs(t, err, &fs)
		require.NotEmpty(t, fs)
	})
}

func TestHowManyLinesAreSavedTogetherReachesTheClient(t *testing.T) {
	c, err := config.Parse("config.yaml", []byte(change(t, "coa_code: MAIN", "coa_code: MAIN\n      lines_at_once: 20")))
	require.NoError(t, err)
	out, _ := c.App(func(string) string { return "" }) // secrets lead nowhere here
	require.Equal(t, 20, out.Tenants[0].Epicor.Entry.LinesAtOnce)
}
