package concurtest

import (
	"fmt"
	"net/http"
	"time"
)

// errorV4 is the error body of the Reports v4 services.
type errorV4 struct {
	Timestamp        string            `json:"timestamp"`
	HTTPStatus       string            `json:"httpStatus"`
	ErrorMessage     string            `json:"errorMessage"`
	ErrorID          string            `json:"errorId,omitempty"`
	ValidationErrors []validationError `json:"validationErrors"`
	Path             string            `json:"path"`
}

type validationError struct {
	ID      string `json:"id,omitempty"`
	Source  string `json:"source"`
	Message string `json:"message"`
}

// errorList is the error body of the List v4 services.
type errorList struct {
	Timestamp        string            `json:"timestamp"`
	HTTPStatus       string            `json:"httpStatus"`
	Error            errorListMessage  `json:"error"`
	ValidationErrors []validationError `json:"validationErrors,omitempty"`
	Path             string            `json:"path"`
}

type errorListMessage struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}

// errorV3 is the error body of the v3 services. It is made without the outer
// "Error" for XML, where that is the root's name.
type errorV3 struct {
	Message    string `json:"Message"`
	ServerTime string `json:"Server-Time"`
	ID         string `json:"Id"`
}

// errorSCIM is the error body of the Identity v4.1 service.
type errorSCIM struct {
	Schemas  []string `json:"schemas"`
	Status   string   `json:"status"`
	SCIMType string   `json:"scimType,omitempty"`
	Detail   string   `json:"detail"`
	Concur   struct {
		Messages []scimMessage `json:"messages"`
	} `json:"urn:ietf:params:scim:api:messages:concur:2.0:Error"`
}

type scimMessage struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	SchemaPath string `json:"schemaPath"`
	Type       string `json:"type"`
}

// refuse answers with the error body of the called service.
func (c *call) refuse(status int, message string) reply {
	return c.refuseAs(status, "", message)
}

// refuseAs is refuse with the identifier that List v4 (error.id), Reports v4
// (errorId) and SCIM (scimType) put beside the message.
func (c *call) refuseAs(status int, id, message string) reply {
	now := c.s.now()
	rep := reply{status: status}
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	switch c.service {
	case expense4:
		rep.body = errorV4{
			Timestamp: instant(now), HTTPStatus: text, ErrorMessage: message, ErrorID: id,
			ValidationErrors: []validationError{}, Path: c.r.URL.Path,
		}
	case list4:
		rep.body = errorList{
			Timestamp:  now.Format("2006-01-02T15:04:05.000+00:00"),
			HTTPStatus: fmt.Sprintf("%d - %s", status, http.StatusText(status)),
			Error:      errorListMessage{ID: orElse(id, listErrorID(status)), Message: message}, Path: c.r.URL.Path,
		}
	case version3:
		e := errorV3{Message: message, ServerTime: now.Format("2006-01-02T15:04:05"), ID: c.s.ids.uuid("error")}
		rep.body, rep.root = map[string]errorV3{"Error": e}, "Error"
	case scim:
		e := errorSCIM{
			Schemas: []string{"urn:ietf:params:scim:api:messages:2.0:Error"},
			Status:  fmt.Sprint(status), SCIMType: id, Detail: message,
		}
		e.Concur.Messages = []scimMessage{{Code: orElse(id, "error"), Message: message, Type: "error"}}
		rep.body = e
	case events4:
		// Its error bodies are not documented.
		rep.body = map[string]string{"message": message}
	case financial4:
		rep.body = map[string]string{"message": message}
	case payment4:
		rep.body = map[string][]map[string]string{"errors": {{"errorCode": orElse(id, fmt.Sprint(status)), "errorMessage": message}}}
	case spend4:
		rep.body = map[string]string{"timestamp": instant(now), "status": fmt.Sprint(status), "message": message}
	case accounting4:
		rep.body = map[string]any{
			"timestamp": instant(now), "httpStatus": text, "errorCode": orElse(id, "error"), "errorMessage": message,
			"path": c.r.URL.Path, "validationErrors": []any{},
		}
	case gateway:
	}
	return rep
}

func listErrorID(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "security.unauthorized"
	case http.StatusForbidden:
		return "security.forbidden"
	case http.StatusNotFound:
		return "resource.not.found"
	default:
		return "request.validation.error"
	}
}

// instant prints t as the v4 services and the events do.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
