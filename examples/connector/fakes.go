package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/vault"
)

//go:embed config.example.yaml
var exampleConfig string

// What config.example.yaml says, and what fakes does where nothing else is asked
// for.
const (
	fakesListen = "127.0.0.1:8400"
	fakesDir    = "./ml-connector-fakes"
	fakesData   = "./ml-connector-data"
	fakesEvents = "http://127.0.0.1:8484" + app.EventPath

	fakesAccountList = "a03a7db3-38e2-1a45-4721-849a4801da8c"
)

// The simulators' ports, counted from the one that they are given.
const (
	usPort, euPort = 1, 2
	epicorPort     = 10
	adminPort      = 19
)

// Files that the simulators write beside mapping.yaml and the secrets.
const (
	fakesConfig       = "config.yaml"
	fakesAdmin        = "admin-address"
	fakesRequestToken = "concur-request-token"
)

type fakesCommand struct {
	Run        fakesRunCommand        `cmd:"" default:"withargs" help:"Run both simulators until they are stopped (the default)."`
	Approve    fakesApproveCommand    `cmd:"" help:"Approve documents in the running simulator of Concur."`
	AddAccount fakesAddAccountCommand `cmd:"" name:"add-account" help:"Add a GL account to the running simulator of Epicor."`
	Slow       fakesSlowCommand       `cmd:"" help:"Let the running simulator of Epicor answer late."`
	State      fakesStateCommand      `cmd:"" help:"Print as JSON what stands in both running simulators."`
}

// fakesDirFlag finds the running simulators.
type fakesDirFlag struct {
	Dir string `default:"./ml-connector-fakes" placeholder:"DIR" help:"Directory for the configuration, the mapping and the secrets that the simulators write. Default: ${default}"`
}

type fakesRunCommand struct {
	fakesDirFlag
	Listen    string `default:"127.0.0.1:8400" placeholder:"HOST:PORT" help:"First address on loopback; the others follow (+1, +2 data centres, +10 Epicor, +19 administration). Port 0: any free ones. Default: ${default}"`
	Events    string `default:"http://127.0.0.1:8484/concur/events" placeholder:"URL" help:"Where events are delivered. Default: ${default}"`
	Financial bool   `help:"The company uses Concur's Financial Integration Service: documents come with their journal, and Concur is told what became of them."`
	Seed      string `enum:"submitted,approved" default:"submitted" placeholder:"STATE" help:"Sample reports are submitted, and you approve them, or approved at once. Default: ${default}"`
}

// self is how this program was called, for commands to try.
func (p *program) self() string {
	if strings.Contains(filepath.ToSlash(os.Args[0]), "/go-build") {
		return "go run ./examples/connector"
	}
	return filepath.Base(os.Args[0])
}

// simulators are both running simulators with their company.
type simulators struct {
	concur  *concurtest.Server
	company *sample.Company
	epicor  *epicortest.Server
	admin   string // address of the administration
}

func (s *simulators) close() {
	s.concur.Close()
	s.epicor.Close()
}

// Run runs the simulators until they are stopped.
func (c *fakesRunCommand) Run(ctx context.Context, p *program) error {
	if err := c.alone(ctx); err != nil {
		return err
	}
	s := &simulators{concur: concurtest.New(nil), epicor: epicortest.New(nil)}
	defer s.close()
	stop, err := c.start(ctx, s)
	if err != nil {
		return err
	}
	defer stop()
	if c.Seed == "approved" {
		s.approveAll()
	}
	c.show(p, s)
	<-ctx.Done()
	// What is left behind must not look like simulators that run.
	if err := forget(c.Dir); err != nil {
		return err
	}
	p.screen.Printf("\nThe simulators stopped; what stood in them is gone.\n")
	return nil
}

// start fills the simulators, lets them listen, and then renews the directory and
// writes the files.
func (c *fakesRunCommand) start(ctx context.Context, s *simulators) (stop func(), err error) {
	addrs, err := c.addresses()
	if err != nil {
		return nil, &mendError{err}
	}
	if err := s.concur.Start(addrs[0], addrs[1], addrs[2]); err != nil {
		return nil, &mendError{fmt.Errorf("start the simulated Concur: %w; name other addresses with --listen", err)}
	}
	if err := s.epicor.Listen(addrs[3]); err != nil {
		return nil, &mendError{fmt.Errorf("start the simulated Epicor: %w; name other addresses with --listen", err)}
	}
	sample.Epicor(s.epicor)
	seed := sample.Concur
	if c.Financial {
		seed = sample.FinancialConcur
	}
	s.company = seed(s.concur)
	sample.More(s.company)
	if err := c.subscribe(ctx, s); err != nil {
		return nil, err
	}
	stop, err = s.administer(ctx, addrs[4])
	if err != nil {
		return nil, &mendError{fmt.Errorf("start the simulators' administration: %w; name other addresses with --listen", err)}
	}
	// Only once every address is taken: other simulators that hold them may be
	// those whose files stand here.
	if err := errors.Join(renewFakes(c.Dir), forget(c.Dir)); err != nil {
		stop()
		return nil, err
	}
	if err := c.write(s); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// subscribe does what ml-connector subscribe does: the app registers where its
// events go. The company is added when it is connected.
func (c *fakesRunCommand) subscribe(ctx context.Context, s *simulators) error {
	one := concur.App{ClientID: s.concur.App().ClientID, ClientSecret: concur.Secret(s.concur.App().ClientSecret)}
	center := s.company.BaseURL()
	tokens, err := concur.NewAppTokenSource(one, center, &concur.TokenOptions{HTTP: s.concur.Client(), AllowHosts: []string{center}})
	if err != nil {
		return err
	}
	var tenant app.Tenant
	if c.Financial {
		tenant.Concur.Financial = &concursync.FinancialOptions{}
	}
	_, err = concur.NewAppClient(tokens, nil).Subscriptions.EnsureAll(ctx, app.Subscriptions(config.DefaultSubscription, c.Events, tenant), nil)
	if err != nil {
		return &mendError{fmt.Errorf("--events %s: %w", c.Events, err)}
	}
	return nil
}

// addresses are those of Concur's three hosts, of Epicor and of the
// administration.
func (c *fakesRunCommand) addresses() ([]string, error) {
	host, text, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %s is no address: write host:port", c.Listen)
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("--listen: the simulators take anybody's word and so run on loopback only, such as 127.0.0.1:8400")
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 0 || port+adminPort > 65535 {
		return nil, fmt.Errorf("--listen: %s is no port", text)
	}
	var out []string
	for _, offset := range []int{0, usPort, euPort, epicorPort, adminPort} {
		if port == 0 {
			offset = 0
		}
		out = append(out, net.JoinHostPort(host, strconv.Itoa(port+offset)))
	}
	return out, nil
}

// write writes what a connector needs to reach the simulators: the example with
// their addresses, the rules, the secrets.
func (c *fakesRunCommand) write(s *simulators) error {
	if err := app.Mark(c.Dir, app.Marker{Kind: app.Fakes}); err != nil {
		return err
	}
	pem, err := publicPEM(s.concur.SigningKey())
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		app.MappingFile:        string(sample.Mapping),
		fakesConfig:            c.config(s),
		fakesRequestToken:      s.company.RequestToken() + "\n",
		"concur-client-secret": s.concur.App().ClientSecret + "\n",
		fakesKeyFile:           epicortest.DefaultAPIKey + "\n",
		fakesUserFile:          epicortest.DefaultPassword + "\n",
		"signature.pem":        pem,
	} {
		if err := os.WriteFile(filepath.Join(c.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	// The key stays when the simulators are started again: it opens the data of
	// connectors that ran against them before.
	path := filepath.Join(c.Dir, "vault.key")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		key, err := vault.NewKey()
		if err != nil {
			return err
		}
		if err := vault.WriteKeyFile(path, key); err != nil {
			return err
		}
	}
	// Last: where it stands the rest stands, too.
	return os.WriteFile(filepath.Join(c.Dir, fakesAdmin), []byte(s.admin+"\n"), 0o600)
}

// config is the example with what differs here; by default nothing does.
func (c *fakesRunCommand) config(s *simulators) string {
	centers := s.concur.DataCenters()
	dir := c.Dir
	if !filepath.IsAbs(dir) {
		dir = "./" + filepath.ToSlash(filepath.Clean(dir))
	}
	events := strings.TrimSuffix(c.Events, app.EventPath)
	example := exampleConfig
	if c.Financial {
		example = strings.Replace(example, "      # financial:    ", "      financial:      ", 1)
	}
	return strings.NewReplacer(
		"http://127.0.0.1:8400", s.concur.URL,
		"http://127.0.0.1:8401", centers[1].URL,
		"http://127.0.0.1:8402", centers[2].URL,
		"http://127.0.0.1:8410", s.epicor.URL,
		"http://127.0.0.1:8484", events,
		"listen: "+config.DefaultListen, "listen: "+strings.TrimPrefix(events, "http://"),
		fakesDir, dir,
		fakesAccountList, s.company.ListNamed(sample.AccountList).ID(),
	).Replace(example)
}

// show says what runs and what to try.
func (c *fakesRunCommand) show(p *program, s *simulators) {
	self, path := p.self(), filepath.ToSlash(filepath.Join(c.Dir, fakesConfig))
	p.screen.Printf("Concur   simulated, %s, company %s   %s\n", s.company.Name, s.company.ID, s.concur.URL)
	p.screen.Printf("Epicor   simulated, company %s   %s\n", sample.EpicorCompany, s.epicor.Root(sample.EpicorCompany))
	p.screen.Printf("Events   to %s\n", c.Events)
	p.screen.Printf("Files    %s: %s, %s and the secrets that the configuration refers to\n", c.Dir, fakesConfig, app.MappingFile)
	state := "submitted and wait for their approval"
	if c.Seed == "approved" {
		state = "approved"
	}
	p.screen.Printf("\n%d expense reports are %s; %d supplier invoices are approved.\n", len(s.company.Reports), state, 4)
	where := ""
	if c.Dir != fakesDir {
		where = " --dir " + filepath.ToSlash(c.Dir)
	}
	p.screen.Printf(`
In a second terminal, in this directory:
  %[1]s connect -c %[2]s --request-token file:%[3]s
  %[1]s check -c %[2]s
  %[1]s serve -c %[2]s
and in a third:
  %[1]s fakes approve %[4]s%[5]s
  %[1]s transfers show %[4]s -c %[2]s

Everything is kept in memory. Stop with Ctrl-C.
`, self, path, filepath.ToSlash(filepath.Join(c.Dir, fakesRequestToken)), sample.Itemised, where)
	p.screen.Printf("%s", remembered(fakesData))
}

// remembered says what a connector still knows of simulators that are gone, and
// how to begin again. Only whoever runs it knows whether a directory of that name
// holds anything else.
func remembered(dir string) string {
	if _, err := app.ReadMarker(dir); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return fmt.Sprintf(`
%[1]s is there: it remembers the simulators that ran before, which are gone, with a
token that these do not know and documents that they do not have. To begin again, look
that it holds nothing else, move it away (mv %[1]s %[1]s.old), and connect.
`, dir)
}
