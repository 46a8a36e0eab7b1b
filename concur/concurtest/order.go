package concurtest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
)

// PurchaseOrder returns an order as it was stored, and whether it exists.
func (c *Company) PurchaseOrder(number string) (json.RawMessage, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	o, found := c.orders[number]
	return slices.Clone(o), found
}

func orderRoutes() []route {
	const (
		orders   = "/api/v3.0/invoice/purchaseorders"
		receipts = "/api/v3.0/invoice/purchaseorderreceipts"
	)
	scopes := []string{scopeOrders3}
	return []route{
		{"GET " + orders + "/{number}", version3, scopes, serveOrder},
		{"POST " + orders, version3, scopes, serveOrderCreate},
		{"PUT " + orders, version3, scopes, serveOrderUpdate},
		{"GET " + receipts, version3, scopes, serveReceipts},
		{"POST " + receipts, version3, scopes, serveReceiptCreate},
		{"PUT " + receipts, version3, scopes, serveReceiptUpdate},
		{"DELETE " + receipts, version3, scopes, serveReceiptDelete},
	}
}

func serveOrder(c *call) reply {
	o, found := c.company.orders[c.r.PathValue("number")]
	if !found {
		return c.refuse(http.StatusNotFound, "The purchase order does not exist")
	}
	rep := ok(o)
	rep.root = "PurchaseOrder"
	return rep
}

// result is the answer to an order or a receipt: 200 in any case.
func result(number, line, code, field, message string) reply {
	r := map[string]any{
		"Status": "SUCCESS", "ErrorCode": nil, "ErrorMessage": nil, "FieldCode": nil, "LineItemExternalID": orNull(line), "Message": nil,
		"PurchaseOrderNumber": orNull(number),
	}
	if code != "" {
		r["Status"], r["ErrorCode"], r["ErrorMessage"], r["FieldCode"] = "FAILURE", code, message, orNull(field)
	}
	rep := ok(r)
	rep.root = "Result"
	return rep
}

func (c *call) fields() (map[string]any, json.RawMessage, bool) {
	raw, err := io.ReadAll(c.r.Body)
	var m map[string]any
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return nil, nil, false
	}
	return m, raw, true
}

func textOf(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

func serveOrderCreate(c *call) reply { return c.order(false) }
func serveOrderUpdate(c *call) reply { return c.order(true) }

// order checks what the page requires; which code belongs to which fault is an
// assumption, the page lists the codes alone.
func (c *call) order(update bool) reply {
	m, _, readable := c.fields()
	if !readable {
		return c.refuse(http.StatusBadRequest, "The body is not readable")
	}
	number := orElse(textOf(m, "PurchaseOrderNumber"), c.s.ids.upper("order", 8))
	m["PurchaseOrderNumber"] = number
	for _, name := range []string{"PolicyExternalID", "Name", "OrderDate", "CurrencyCode", "VendorCode", "VendorAddressCode"} {
		if textOf(m, name) == "" {
			return result(number, "", "2000", name, name+" is required")
		}
	}
	for _, name := range []string{"BillToAddress", "ShipToAddress"} {
		a, _ := m[name].(map[string]any)
		for _, part := range []string{"ExternalID", "Address1", "City", "StateProvince", "PostalCode", "CountryCode"} {
			if textOf(a, part) == "" {
				return result(number, "", "2000", name+"."+part, part+" is required")
			}
		}
	}
	lines, _ := m["LineItem"].([]any)
	if len(lines) == 0 {
		return result(number, "", "3000", "LineItem", "a line is required")
	}
	for _, l := range lines {
		line, _ := l.(map[string]any)
		id := textOf(line, "ExternalID")
		for _, part := range []string{"ExternalID", "LineNumber", "Quantity", "UnitPrice"} {
			if textOf(line, part) == "" {
				return result(number, id, "3000", part, part+" is required")
			}
		}
		if (textOf(line, "ExpenseType") == "") == (textOf(line, "AccountCode") == "") {
			return result(number, id, "3000", "ExpenseType", "one of ExpenseType and AccountCode is required")
		}
	}
	_, exists := c.company.orders[number]
	switch {
	case exists && !update:
		return result(number, "", "5000", "PurchaseOrderNumber", "the purchase order exists")
	case !exists && update:
		return result(number, "", "5500", "PurchaseOrderNumber", "the purchase order does not exist")
	}
	if c.company.orders == nil {
		c.company.orders = map[string]json.RawMessage{}
	}
	m["ID"], m["URI"] = number, "http://"+legacyHost+"/api/v3.0/invoice/purchaseorders/"+number
	m["Status"] = orElse(textOf(m, "Status"), "Transmitted")
	c.company.orders[number] = encodeJSON(m)
	return result(number, "", "", "", "")
}

func serveReceiptCreate(c *call) reply { return c.receipt(false) }
func serveReceiptUpdate(c *call) reply { return c.receipt(true) }

func (c *call) receipt(update bool) reply {
	m, _, readable := c.fields()
	if !readable {
		return c.refuse(http.StatusBadRequest, "The body is not readable")
	}
	number, line, slip := textOf(m, "PurchaseOrderNumber"), textOf(m, "LineItemExternalID"), textOf(m, "GoodsReceiptNumber")
	if _, found := c.company.orders[number]; !found {
		return result(number, line, "5500", "PurchaseOrderNumber", "the purchase order does not exist")
	}
	at := slices.IndexFunc(c.company.receipts, func(r map[string]any) bool { return sameReceipt(r, number, line, slip) })
	switch {
	case line == "":
		return result(number, line, "3000", "LineItemExternalID", "LineItemExternalID is required")
	case at >= 0 && !update:
		return result(number, line, "6000", "GoodsReceiptNumber", "the receipt exists")
	case at < 0 && update:
		return result(number, line, "6001", "GoodsReceiptNumber", "the receipt does not exist")
	}
	m["ID"] = c.s.ids.hex("receipt", 8)
	m["URI"] = "http://" + legacyHost + "/api/v3.0/invoice/purchaseorderreceipts"
	if at >= 0 {
		c.company.receipts[at] = m
	} else {
		c.company.receipts = append(c.company.receipts, m)
	}
	return result(number, line, "", "", "")
}

func sameReceipt(r map[string]any, number, line, slip string) bool {
	return textOf(r, "PurchaseOrderNumber") == number && isOrAny(line, textOf(r, "LineItemExternalID")) && isOrAny(slip, textOf(r, "GoodsReceiptNumber"))
}

func serveReceipts(c *call) reply {
	q := c.r.URL.Query()
	rows := []map[string]any{}
	for _, r := range c.company.receipts {
		if sameReceipt(r, q.Get("purchaseOrderNumber"), q.Get("lineItemExternalID"), q.Get("goodsReceiptNumber")) {
			rows = append(rows, r)
		}
	}
	rep := ok(map[string]any{"Items": rows, "NextPage": nil, "TotalCount": len(rows), "Info": ""})
	rep.root = "Receipts"
	return rep
}

func serveReceiptDelete(c *call) reply {
	q := c.r.URL.Query()
	n := len(c.company.receipts)
	c.company.receipts = slices.DeleteFunc(c.company.receipts, func(r map[string]any) bool {
		return sameReceipt(r, q.Get("purchaseOrderNumber"), q.Get("lineItemExternalID"), q.Get("goodsReceiptNumber"))
	})
	if len(c.company.receipts) == n {
		return c.refuse(http.StatusNotFound, "The receipt does not exist")
	}
	return reply{status: http.StatusOK}
}
