package concur

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// PurchaseOrderReceipt is what of an order's line was received. Every scalar is a
// text. Follows the Purchase Order Receipts v3 page. Required to write:
// PurchaseOrderNumber and LineItemExternalID.
type PurchaseOrderReceipt struct {
	ID                  Text `json:"ID,omitempty"`
	URI                 Text `json:"URI,omitempty"`
	PurchaseOrderNumber Text `json:"PurchaseOrderNumber"`
	LineItemExternalID  Text `json:"LineItemExternalID"`
	GoodsReceiptNumber  Text `json:"GoodsReceiptNumber,omitempty"`
	DeliverySlipNumber  Text `json:"DeliverySlipNumber,omitempty"`
	ReceivedDate        Text `json:"ReceivedDate,omitempty"` // 2026-10-30 00:00:00.0
	ReceivedQuantity    Text `json:"ReceivedQuantity,omitempty"`
	UnitOfMeasureCode   Text `json:"UnitOfMeasureCode,omitempty"`
	Version             Text `json:"Version,omitempty"`
	Deleted             Text `json:"Deleted,omitempty"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (r *PurchaseOrderReceipt) UnmarshalJSON(b []byte) error {
	type plain PurchaseOrderReceipt
	return readObject(b, (*plain)(r), &r.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (r PurchaseOrderReceipt) MarshalJSON() ([]byte, error) {
	type plain PurchaseOrderReceipt
	return writeObject(plain(r), r.Raw)
}

// PurchaseOrderReceiptsService reads and writes what was received. Follows the
// Purchase Order Receipts v3 page. Scope: INVPO.
type PurchaseOrderReceiptsService struct{ service }

const receiptsPath = "/api/v3.0/invoice/purchaseorderreceipts"

// List returns the receipts of an order. lineItemExternalID and
// goodsReceiptNumber narrow them and may be "", though the specification
// requires the latter.
func (s *PurchaseOrderReceiptsService) List(ctx context.Context, number, lineItemExternalID, goodsReceiptNumber string) ([]*PurchaseOrderReceipt, error) {
	const operation = "PurchaseOrderReceipts.List"
	if number == "" {
		return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "the order's number is missing; nothing was sent"}
	}
	var receipts []*PurchaseOrderReceipt
	for r, err := range all(ctx, func(ctx context.Context, after string) (*Page[PurchaseOrderReceipt], error) {
		return pageV3[PurchaseOrderReceipt](ctx, s.client, operation, receiptsPath, receiptQuery(number, lineItemExternalID, goodsReceiptNumber), after, "PurchaseOrderReceipt")
	}) {
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, r)
	}
	return receipts, nil
}

func receiptQuery(number, line, receipt string) string {
	v := url.Values{"purchaseOrderNumber": {number}, "goodsReceiptNumber": {receipt}}
	if line != "" {
		v.Set("lineItemExternalID", line)
	}
	return v.Encode()
}

// Create records a receipt. A refusal under an answer of 200 is an *OrderError.
// It is sent once.
func (s *PurchaseOrderReceiptsService) Create(ctx context.Context, r PurchaseOrderReceipt) error {
	return s.write(ctx, "PurchaseOrderReceipts.Create", http.MethodPost, r)
}

// Update changes a receipt. A refusal under an answer of 200 is an *OrderError.
// It is sent once.
func (s *PurchaseOrderReceiptsService) Update(ctx context.Context, r PurchaseOrderReceipt) error {
	return s.write(ctx, "PurchaseOrderReceipts.Update", http.MethodPut, r)
}

func (s *PurchaseOrderReceiptsService) write(ctx context.Context, operation, method string, r PurchaseOrderReceipt) error {
	a, err := fetch[orderAnswer](ctx, s.client, request{operation: operation, method: method, path: receiptsPath, body: r})
	if err != nil {
		return err
	}
	return a.outcome(operation, string(r.PurchaseOrderNumber))
}

// Delete removes a receipt. It is sent once.
func (s *PurchaseOrderReceiptsService) Delete(ctx context.Context, number, lineItemExternalID, goodsReceiptNumber string) error {
	const operation = "PurchaseOrderReceipts.Delete"
	if number == "" || goodsReceiptNumber == "" {
		return &Error{Operation: operation, Status: http.StatusBadRequest, Message: "a receipt is deleted by the numbers of order and goods receipt; nothing was sent"}
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: receiptsPath, query: receiptQuery(number, lineItemExternalID, goodsReceiptNumber)}, nil)
}
