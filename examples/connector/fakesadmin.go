package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
)

// publicPEM writes a public key as SAP Concur publishes its own.
func publicPEM(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// approval asks for the approval of documents.
type approval struct {
	Numbers []string `json:"numbers,omitempty"`
	All     bool     `json:"all,omitempty"`
}

// account asks for a GL account.
type account struct {
	Account     string `json:"account"`
	Description string `json:"description,omitempty"`
}

// slowness asks for answers that come late.
type slowness struct {
	Delay time.Duration `json:"delay"`
}

// fakesState is what stands in both simulators.
type fakesState struct {
	Concur []fakesDocument `json:"concur"`
	Epicor []fakesInvoice  `json:"epicor"`
	Locked []string        `json:"locked_groups,omitempty"`
	Lists  map[string]int  `json:"lists"` // entries by the list's name

	Financial []fakesFinancial `json:"financial,omitempty"` // what Concur was told of financial documents
}

type fakesDocument struct {
	Number   string `json:"number"`
	Kind     string `json:"kind"`
	Approval string `json:"approval"`
	Payment  string `json:"payment"`
}

type fakesFinancial struct {
	Number   string   `json:"number"`
	Kind     string   `json:"kind"`
	Revision int      `json:"revision"`
	Status   string   `json:"status"`
	Messages []string `json:"messages,omitempty"`
}

type fakesInvoice struct {
	Vendor   string `json:"vendor"`
	Number   string `json:"number"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Key      string `json:"key"`
	Lines    int    `json:"lines"`
}

// administer serves the acts of people on loopback.
func (s *simulators) administer(ctx context.Context, addr string) (stop func(), err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s.admin = l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /approve", act(func(in approval) (any, error) { return s.approve(in) }))
	mux.HandleFunc("POST /accounts", act(func(in account) (any, error) {
		if strings.Count(in.Account, "|") != 2 {
			return nil, fmt.Errorf("%q is no GL account here: write natural|cost centre|sub, such as 5100|310|01", in.Account)
		}
		s.epicor.AddAccounts(sample.EpicorCompany, epicortest.GLAccount{Account: in.Account, Desc: in.Description})
		return in, nil
	}))
	mux.HandleFunc("POST /slow", act(func(in slowness) (any, error) {
		s.epicor.ClearFaults()
		if in.Delay > 0 {
			s.epicor.Inject(epicortest.Fault{Delay: in.Delay, Times: -1})
		}
		return in, nil
	}))
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.state(), nil) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // it ends when it is closed
	return func() { _ = server.Close() }, nil
}

// act is a handler that reads JSON. A web page of somebody else cannot send that
// without asking, so it cannot act here.
func act[T any](do func(T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		if r.Header.Get("Content-Type") != "application/json" {
			reply(w, nil, errors.New("want application/json"))
			return
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
			reply(w, nil, err)
			return
		}
		out, err := do(in)
		reply(w, out, err)
	}
}

func reply(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		v = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(v) // the caller has gone: nobody is left to tell
}

// approve lets an approver work. Documents that are approved already stay so.
func (s *simulators) approve(in approval) (map[string]string, error) {
	if in.All {
		s.approveAll()
		return map[string]string{"all": "approved"}, nil
	}
	out := map[string]string{}
	for _, number := range in.Numbers {
		id, kind, approved := s.find(number)
		switch {
		case id == "":
			return nil, fmt.Errorf("there is no document %q; see fakes state", number)
		case approved:
			out[number] = "was approved already"
			continue
		case kind == "report":
			s.company.Approve(id)
		default:
			s.company.ApprovePaymentRequest(id)
		}
		out[number] = "approved"
	}
	return out, nil
}

func (s *simulators) approveAll() {
	for _, r := range s.company.Reports {
		if now, ok := s.company.Report(r.ID); ok && now.ApprovalStatus == concurtest.PendingApproval {
			s.company.Approve(r.ID)
		}
	}
}

// find returns a document by the number that people know.
func (s *simulators) find(number string) (id, kind string, approved bool) {
	for _, r := range s.company.Company.Reports() {
		if strings.EqualFold(r.Number, number) {
			return r.ID, "report", r.ApprovalStatus == concurtest.Approved
		}
	}
	for _, p := range s.company.PaymentRequests() {
		if strings.EqualFold(p.InvoiceNumber, number) {
			return p.ID, "invoice", p.ApprovalStatus == concurtest.Approved
		}
	}
	return "", "", false
}

// numberOf is the number by which people know a document.
func (s *simulators) numberOf(id string) string {
	if r, ok := s.company.Report(id); ok {
		return r.Number
	}
	for _, p := range s.company.PaymentRequests() {
		if p.ID == id {
			return p.InvoiceNumber
		}
	}
	return id
}

func (s *simulators) state() fakesState {
	out := fakesState{Lists: map[string]int{}}
	for _, r := range s.company.Company.Reports() {
		out.Concur = append(out.Concur, fakesDocument{r.Number, "report", r.ApprovalStatus, r.PaymentStatus})
	}
	for _, p := range s.company.PaymentRequests() {
		out.Concur = append(out.Concur, fakesDocument{p.InvoiceNumber, "invoice", p.ApprovalStatus, p.PaymentStatus})
	}
	for _, d := range s.company.FinancialDocuments() {
		out.Financial = append(out.Financial, fakesFinancial{s.numberOf(d.BusinessID), d.Kind, d.Revision, d.Status, d.Messages})
	}
	for _, i := range s.epicor.Invoices(sample.EpicorCompany) {
		out.Epicor = append(out.Epicor, fakesInvoice{i.VendorID, i.Number, i.Amount.String(), i.Currency, i.ExternalID, len(i.Lines)})
	}
	for group := range s.epicor.Locks(sample.EpicorCompany) {
		out.Locked = append(out.Locked, group)
	}
	for _, name := range []string{sample.AccountList, sample.CentreList} {
		out.Lists[name] = len(s.company.ListNamed(name).Names())
	}
	return out
}

// call calls the administration of running simulators and returns its answer.
func (f *fakesDirFlag) call(ctx context.Context, method, path string, in any) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(f.Dir, fakesAdmin))
	if err != nil {
		return nil, &mendError{fmt.Errorf("no simulators run with %s; start them with ml-connector fakes, or name their directory with --dir", f.Dir)}
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+strings.TrimSpace(string(b))+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return nil, &mendError{fmt.Errorf("the simulators do not answer; start them with ml-connector fakes: %w", err)}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		var said struct{ Error string }
		_ = json.Unmarshal(answer, &said) // what cannot be read stays empty
		return nil, &mendError{errors.New(said.Error)}
	}
	return answer, nil
}

type fakesApproveCommand struct {
	fakesDirFlag
	Numbers []string `arg:"" optional:"" name:"number" help:"Numbers of expense reports and supplier invoices."`
	All     bool     `help:"All expense reports that wait."`
}

// Run approves documents.
func (c *fakesApproveCommand) Run(ctx context.Context, p *program) error {
	if len(c.Numbers) == 0 && !c.All {
		return &mendError{errors.New("name the documents, or say --all")}
	}
	answer, err := c.call(ctx, http.MethodPost, "/approve", approval{c.Numbers, c.All})
	if err != nil {
		return err
	}
	var out map[string]string
	if err := json.Unmarshal(answer, &out); err != nil {
		return err
	}
	for _, number := range c.Numbers {
		p.screen.Printf("%s %s\n", number, out[number])
	}
	if c.All {
		p.screen.Printf("all expense reports that waited are approved\n")
	}
	return nil
}

type fakesAddAccountCommand struct {
	fakesDirFlag
	Account     string `arg:"" help:"Segments joined by |, such as '5100|310|01'."`
	Description string `default:"Added by hand" help:"What it is for. Default: ${default}"`
}

// Run adds a GL account.
func (c *fakesAddAccountCommand) Run(ctx context.Context, p *program) error {
	if _, err := c.call(ctx, http.MethodPost, "/accounts", account{c.Account, c.Description}); err != nil {
		return err
	}
	p.screen.Printf("%s added\n", c.Account)
	return nil
}

type fakesSlowCommand struct {
	fakesDirFlag
	Delay time.Duration `arg:"" help:"How late every answer of Epicor comes, such as 2s; 0s: at once again."`
}

// Run lets Epicor answer late.
func (c *fakesSlowCommand) Run(ctx context.Context, p *program) error {
	if _, err := c.call(ctx, http.MethodPost, "/slow", slowness{c.Delay}); err != nil {
		return err
	}
	p.screen.Printf("Epicor answers after %s\n", c.Delay)
	return nil
}

type fakesStateCommand struct{ fakesDirFlag }

// Run prints what stands in both simulators.
func (c *fakesStateCommand) Run(ctx context.Context, p *program) error {
	answer, err := c.call(ctx, http.MethodGet, "/state", nil)
	if err != nil {
		return err
	}
	var out fakesState
	if err := json.Unmarshal(answer, &out); err != nil {
		return err
	}
	return p.print(out)
}
