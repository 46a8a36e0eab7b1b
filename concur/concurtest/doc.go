// Package concurtest is a SAP Concur in memory, for tests and demonstrations.
//
// It keeps state: companies with users, lists, expense reports and supplier
// invoices; tokens that expire and rotate; subscriptions to events. It answers
// over HTTP as the vendor's documentation says, quirks included, so that a
// program that works against it has met them.
//
// # Smallest test
//
//	func TestReports(t *testing.T) {
//		s := concurtest.New(nil)
//		t.Cleanup(s.Close)
//		co := s.AddCompany("Acme", nil)
//		co.AddUser(concurtest.User{Login: "ada@acme.example"})
//		co.AddApprovedReport(concurtest.Report{
//			Owner:    "ada@acme.example",
//			Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount("12.50")}},
//		})
//		app := concur.App{ClientID: s.App().ClientID, ClientSecret: concur.Secret(s.App().ClientSecret)}
//		tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: s.Client()})
//		require.NoError(t, err)
//		_, err = tokens.Connect(t.Context(), co.ID, concur.Secret(co.RequestToken()))
//		require.NoError(t, err)
//		page, err := concur.NewClient(tokens, nil).ReportsV3.ListPage(t.Context(), concur.ReportV3Query{User: concur.AllUsers}, "")
//		require.NoError(t, err)
//		require.Equal(t, "ada@acme.example", page.Items[0].OwnerLoginID)
//		require.Len(t, s.CallsTo("/expense/reports"), 1)
//	}
//
// The client of a server that listens nowhere answers for the vendor's real
// addresses, so nothing else is to be set. One that listens, as NewServer's does,
// has addresses of its own, of which each has to be allowed:
//
//	opts := &concur.TokenOptions{BootstrapURL: s.URL}
//	for _, dc := range s.DataCenters() {
//		opts.AllowHosts = append(opts.AllowHosts, dc.URL)
//	}
//
// # Reaching it
//
// A Server is shaped like httptest.Server. NewServer listens on loopback, one
// port per data centre, and ends with the test; URL is the global landing zone,
// where a company's first token is asked for, and Client reaches all. New
// listens nowhere: its Transport takes calls to the vendor's real host names in
// the process, so a test can use the real addresses and can run inside a
// testing/synctest bubble. Start lets a server of New listen, on given addresses
// if need be.
//
// # What is served
//
//   - OAuth2: every grant of the token endpoint, one-time passwords, revocation,
//     an app's secrets
//   - Reports v4: reading, creating, changing; comments, exceptions, workflow;
//     taxes, attendees, associated requests and cash advances, form fields
//   - Reports, entries, itemizations v3: reading, creating, changing what is not
//     deprecated; allocations v3: reading
//   - Payment Request v3: reading, creating, changing; digests v3, localized data;
//     Invoice Payment Confirmation v4
//   - Vendors v3.1; purchase orders and receipts v3
//   - List v4, List Item v4, List Item Bulk v4
//   - Identity v4.1; Spend User v4.1: reading; exchange rates v4
//   - Financial Integration v4: the queue with acknowledgements, posting and
//     payment confirmations
//   - Image v1, Spend Documents v4; Accounting Integration v4
//   - Event Subscription Service v4; events of reports, financial documents and
//     accounting integration, and any event that a test makes up
//
// All else answers 404 without a body. Each resource checks the token, its data
// centre, its principal and its scope.
//
// # People's work
//
// What people do in the vendor's screens are methods of Company: Submit,
// Approve, SendBack, Recall, Pay, EditReport and so on. They change the state,
// count versions, move dates, and announce what the vendor announces. They panic
// on what cannot be, such as approving a draft: that is a mistake in the test.
//
// # Events
//
// Subscribe registers an endpoint, and so does a call of the subscription
// service, which companies join when a token of theirs is obtained. Deliveries are real POST requests, signed, and
// repeated as the vendor's are: on 5xx, 401, 403, 429 and a broken connection
// until the retention ends, never on another 4xx. They run in the background, or
// when Flush is called. DuplicateNext, LoseNext and DelayNext do what networks do,
// and Deliveries shows each attempt with its answer.
//
// # Faults
//
// Inject arms a Fault: an answer of any status and body, a closed connection, a
// truncated or late answer; before the server has seen the call or after it has
// done its work. Calls is the log of what arrived.
//
// # Where the vendor is silent
//
// What the documentation leaves open is a field of Options or CompanyOptions with
// the likeliest behaviour as its default, and its comment says so. Identifiers
// are made up but the same in every run.
//
// Everything is safe for concurrent use.
package concurtest
