// Package concur is a client for the SAP Concur APIs: expense reports, supplier
// invoices, lists, users, and the events that say when to look.
//
// # A first call
//
// An App is this program's registration with SAP Concur, a TokenSource keeps
// one company's token alive, and a Client reads that company's data:
//
//	app := concur.App{ClientID: id, ClientSecret: secret}
//	tokens, err := concur.NewTokenSource(app, store, nil)
//	…
//	_, err = tokens.Connect(ctx, companyUUID, requestToken) // once per company
//	…
//	client := concur.NewClient(tokens, nil)
//	report, err := client.Reports.Get(ctx, ownerID, reportID)
//
// A company's administrator makes the request token; it lives for a day. From
// then on the connection lives on what is in store, a TokenStore that the
// program implements over whatever it persists in. A refresh may end the old
// refresh token, so what comes back is saved before anybody uses it.
//
// # Where calls go
//
// Each company lives in a data centre, and each token names it: its
// geolocation. Every call goes there, and may go elsewhere after the next
// refresh. Hosts that are not SAP Concur's are never called, whatever an answer
// says, unless TokenOptions.AllowHosts names them. Links in answers (NextPage,
// href) are never dialled: their path and query are read, no more.
//
// # Errors
//
// A call that fails returns an *Error, and a refused token a *TokenError with
// its remedy; both are reached with errors.As, tell Retryable and RetryAfter,
// and are ErrNotFound, ErrUnauthorized, ErrForbidden, ErrConflict,
// ErrRateLimited or ErrInvalid for errors.Is. Their texts are one line without
// secrets. Calls that read are repeated after 429, 5xx and broken connections, but
// for the two that open a stream (Images.Fetch, SpendDocuments.Open), which are sent
// once unless their token has ended; a call that writes is sent once.
//
// # Lists
//
// A method List returns an iterator over all pages and a method ListPage one
// page with the position of the next, a text that may be stored:
//
//	for report, err := range client.ReportsV3.List(ctx, concur.ReportV3Query{User: concur.AllUsers}) {
//		if err != nil {
//			return err
//		}
//		…
//	}
//
// # Single records
//
// Some services answer 200 although single records failed. What became of each is
// then returned beside the error of the call: VendorError, InvoicePaidError,
// OrderError, ExchangeRateError, FinancialResult.Err. A record that the answer
// does not mention is unclear: look it up before anything else.
//
// # What is read
//
// Unknown codes survive in typed texts, and unknown fields in Raw: a value that
// was read encodes to the object it came from, digit by digit, with what was
// changed since; what was emptied goes out as empty. A row inside it that was changed
// keeps its unknown fields where it has a Raw of its own.
//
// A receipt (Images.Fetch, SpendDocuments.Open) is a stream. Options.HTTP lends it
// its Transport and not its Timeout, which would end a long one: the context bounds
// it.
//
// # Events
//
// NewEventHandler is the http.Handler of a webhook. It verifies a delivery, by the
// client certificate unless told otherwise, before it reads it, and answers 200 only after its function returned nil, so
// that function makes the event durable and leaves the work for later.
//
// # Money, dates, custom fields
//
// Amounts are exact and keep the digits they came with; no binary floating
// point number is involved. Times come in half a dozen forms and are read by
// one tolerant parser. Custom fields of version 4 hold the ids of list items;
// ListItems.Get turns an id into its code.
//
// # Concurrency
//
// Everything is immutable after construction and safe for concurrent use. One
// TokenSource per company makes one token call however many goroutines need it.
package concur
