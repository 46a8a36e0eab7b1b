// Package epicor is a client for the REST v2 interface of Epicor Kinetic: safe to
// read with, safe to write with.
//
// The smallest complete program lists the vendors of a company:
//
//	cred := epicor.Basic(apiKey, user, password)
//	c, err := epicor.NewClient("https://kinetic.example.com/prod/api/v2/odata/EPIC06", cred, nil)
//	if err != nil { … }
//	for v, err := range c.Vendors.List(ctx, odata.Query{}) {
//		if err != nil { … }
//		fmt.Println(v.VendorID, v.Name)
//	}
//
// A [Client] is one company. It is immutable and safe for concurrent use, and so
// is everything that hangs on it: APInvoices, Vendors, GLAccounts, PurchaseOrders
// and so on. Any other entity set is read with [NewEntities], a query with
// [NewBAQ], any other method called with [Client.Call], a function with
// [Client.CallFunction]. [Client.Verify] checks the tenant's columns and lengths,
// once, at the start, and [Entities.Verify] those of one more set.
//
// # Reading
//
// Lists come page by page, each behind the key of the row before, since Kinetic
// promises no order and cuts a list to a hundred rows without saying so. What
// changed is read by a stamp ([Entities.Changes]) or found by a scan
// ([Entities.Scan]). Columns that a struct has
// no field for stand in its Extra. Rows are decoded as they are taken, so a list of
// a million needs no more memory than one page. Reads are repeated after passing
// failures.
//
// # Writing
//
// A write is sent once, whatever happens to its answer: a second one would be a
// second invoice. A method that only computes (GetNew…, Change…) is repeated like
// a read. [APInvoiceService.Create] enters an invoice in the steps that Kinetic
// wants; its error says what is there now, and Resume, Delete and Cancel go on from
// there. Below it each method stands by itself, in [APInvoiceService],
// [APInvoiceGroupService] and [APInvoicePostService], with the inputs that the
// vendor documents. [Tableset] brings back every table and column that came.
//
// # Failing
//
// Every refusal is an [*Error], its class one of ErrNotFound, ErrUnauthorized,
// ErrForbidden, ErrConflict, ErrRateLimited and ErrInvalid. Refused says that a
// call certainly changed nothing; Retryable that it may succeed later; RetryAfter
// how long to wait. No error holds the API key, a password or a token.
//
// Names of services, columns, methods and parameters are the vendor's. Where the
// vendor's guides do not say how a live tenant behaves, the comment at the place
// says that it is an assumption to check on one.
package epicor
