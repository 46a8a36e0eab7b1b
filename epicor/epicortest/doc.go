// Package epicortest is an Epicor Kinetic in memory: a stateful fake of the REST
// v2 interface for tests, demonstrations and offline work, shaped like
// httptest.Server.
//
// It knows companies, vendors, a chart of accounts, currencies, a fiscal calendar,
// purchase orders with their receipts, AP invoice groups with their locks, AP
// invoices with lines, expense distributions, GL accounts, taxes and files, their
// posting and cancellation, payments, queries and functions, and it behaves like
// the real thing where that hurts: a list without $top ends silently after 100 rows, a list without
// $orderby comes in another order each time, a tableset must come back whole,
// a saved line brings its own default expense row, a call answered 200 may have
// committed nothing, and an answer can get lost after the commit.
//
// The smallest complete test. The fake speaks plain HTTP, which a client refuses
// unless AllowHTTP permits it:
//
//	func TestVendors(t *testing.T) {
//		srv := epicortest.NewServer(t, nil)
//		srv.AddVendors(epicortest.DefaultCompany, epicortest.Vendor{ID: "ACME", Name: "Acme Ltd"})
//		cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
//		client, err := epicor.NewClient(srv.Root(epicortest.DefaultCompany), cred, &epicor.Options{AllowHTTP: true})
//		require.NoError(t, err)
//		page, err := client.Vendors.ListPage(t.Context(), odata.Query{Filter: odata.Eq("VendorID", "ACME")}, "")
//		require.NoError(t, err)
//		require.Equal(t, "Acme Ltd", page.Items[0].Name)
//	}
//
// AddAccounts, AddSegments and others seed the rest; Invoices, Groups and Calls say
// what the code under test did.
//
// [NewServer] listens on loopback and closes with the test; [New] keeps the state
// without listening, for use through [Server.Transport], which works inside a
// testing/synctest bubble; [Server.Listen] serves an address for programs.
//
// # What fails, and how
//
// Answers to wrong calls have the vendor's form: a JSON body with HttpStatus,
// ErrorMessage, ErrorType, ErrorDetails and CorrelationId. What a network does
// is injected with [Server.Inject]: a status, an HTML or empty body, a
// connection that closes, before the call or after its commit. What a live
// Kinetic asks or warns in a successful answer is injected with [Server.Prompt].
// Seeding with an unknown company panics: it is a mistake in the test.
//
// # Where the behaviour comes from
//
// Names of services, entity sets, columns, methods and parameters follow the
// vendor's published service schemas. Behaviour follows the REST guides and
// integrations in the field; where neither says what a live tenant does, the
// comment at the place says that it is an assumption to check on one.
//
// All methods are safe for concurrent use.
package epicortest
