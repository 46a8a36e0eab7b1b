package epicor

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

const attachmentService = "Ice.BO.AttachmentSvc"

// AttachmentService keeps files on the server that rows then refer to. It is safe
// for concurrent use.
//
// Follows the service Ice.BO.AttachmentSvc.
type AttachmentService struct{ c *Client }

// Upload stores a file for rows of a table, such as APInvHed, and returns the path
// under which the server keeps it. docType is a document type of the company, ""
// its default. Uploading the same name again replaces the file, so it is repeated
// after passing failures. That the content goes as base64 and that a name is
// replaced are from practice, to check on a live tenant.
func (s *AttachmentService) Upload(ctx context.Context, docType, table, name string, data []byte) (serverPath string, err error) {
	if err := checkFileName(name); err != nil {
		return "", err
	}
	res, err := s.c.Compute(ctx, attachmentService, "UploadFile", Params{
		"docTypeID": docType, "parentTable": table, "fileName": name, "data": base64.StdEncoding.EncodeToString(data),
	})
	if err != nil {
		return "", err
	}
	if json.Unmarshal(res.Value, &serverPath) != nil || serverPath == "" {
		return "", &Error{Operation: attachmentService + "/UploadFile", err: errors.New("the answer names no file")}
	}
	return serverPath, nil
}

// Download returns the content of a file by the number that a row refers to.
func (s *AttachmentService) Download(ctx context.Context, fileRef int) ([]byte, error) {
	res, err := s.c.Compute(ctx, attachmentService, "DownloadFile", Params{"xFileRefNum": fileRef})
	if err != nil {
		return nil, err
	}
	var text string
	if err := json.Unmarshal(res.Value, &text); err != nil {
		return nil, &Error{Operation: attachmentService + "/DownloadFile", err: errors.New("the answer holds no file")}
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, &Error{Operation: attachmentService + "/DownloadFile", err: errors.New("the file is not base64")}
	}
	return data, nil
}

// checkFileName refuses what would be a path on the server.
func checkFileName(name string) error {
	if name == "" || name == "." || name == ".." || name != path.Base(name) || strings.ContainsAny(name, `/\:*?"<>|`) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return fmt.Errorf("epicor: %.80q is no name of a file, without a folder", name)
	}
	return nil
}
