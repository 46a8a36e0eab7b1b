package concursync

import (
	"context"
	"errors"
	"strings"

	"github.com/ml-connector/ml-connector/concur"
)

var errNobody = errors.New("concursync: there is no user of that name")

// people looks up who owns a document, by log-in name and by id.
type people struct {
	client  *concur.Client
	byID    cache[*concur.User]
	byLogin cache[string]
}

func (p *people) user(ctx context.Context, id string) (*concur.User, error) {
	return p.byID.get(strings.ToLower(id), func() (*concur.User, error) { return p.client.Users.Get(ctx, id) })
}

// id returns the UUID of a log-in name, "" when there is nobody of that name:
// one person who left must not stop a sweep.
func (p *people) id(ctx context.Context, login string) (string, error) {
	if login == "" {
		return "", nil
	}
	id, err := p.byLogin.get(strings.ToLower(login), func() (string, error) {
		u, err := p.client.Users.ByLogin(ctx, login)
		switch {
		case errors.Is(err, concur.ErrNotFound), errors.Is(err, concur.ErrInvalid):
			return "", errNobody // not remembered: a replay after he was made a user again must find him
		case err != nil:
			return "", err
		}
		return u.ID, nil
	})
	if errors.Is(err, errNobody) {
		return "", nil
	}
	return id, err
}
