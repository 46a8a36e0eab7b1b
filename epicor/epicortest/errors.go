package epicortest

import (
	"fmt"
	"net/http"
)

// Error types as Kinetic spells them.
const (
	typeBusiness     = "Ice.Common.BusinessObjectException"
	typeDuplicate    = "Ice.Common.DuplicateRecordException"
	typeNotFound     = "Ice.Common.RecordNotFoundException"
	typeOData        = "Microsoft.OData.ODataException"
	typeArgument     = "System.ArgumentException"
	typeUnauthorized = "System.UnauthorizedAccessException"
	typeSession      = "Ice.Common.InvalidSessionException"
)

// fault is an answer that refuses.
type fault struct {
	status  int
	kind    string
	message string
	details []detail // nil leaves ErrorDetails out of the body
}

// detail is one element of ErrorDetails.
type detail struct {
	Message      string `json:"Message"`
	Type         string `json:"Type"`
	Program      string `json:"Program"`
	Method       string `json:"Method"`
	Table        string `json:"Table"`
	Field        string `json:"Field"`
	LineNumber   int    `json:"LineNumber"`
	ColumnNumber int    `json:"ColumnNumber"`
}

// errorBody is the vendor's error form.
type errorBody struct {
	HTTPStatus    int      `json:"HttpStatus"`
	ReasonPhrase  string   `json:"ReasonPhrase"`
	ErrorMessage  string   `json:"ErrorMessage"`
	ErrorType     string   `json:"ErrorType"`
	ErrorDetails  []detail `json:"ErrorDetails,omitempty"`
	CorrelationID string   `json:"CorrelationId"`
}

// business is a broken rule: 400, with the table and field that broke it.
func business(table, field, format string, args ...any) *fault {
	msg := fmt.Sprintf(format, args...)
	return &fault{
		status: http.StatusBadRequest, kind: typeBusiness, message: msg,
		details: []detail{{Message: msg, Type: "Error", Program: "Erp.Services.BO.dll", Table: table, Field: field}},
	}
}

// badQuery is a request that the OData layer does not understand.
func badQuery(format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, kind: typeOData, message: fmt.Sprintf(format, args...)}
}

func badArgument(format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, kind: typeArgument, message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *fault {
	return &fault{status: http.StatusNotFound, kind: typeNotFound, message: fmt.Sprintf(format, args...)}
}

func unauthorized(format string, args ...any) *fault {
	return &fault{status: http.StatusUnauthorized, kind: typeUnauthorized, message: fmt.Sprintf(format, args...)}
}
