package epicor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// unlockTime is how long one try to give a group free may take, also after the
// caller has gone away.
const unlockTime = 30 * time.Second

// unlockTries is how often a group is given free at most, beyond what a failed
// connection is tried anyway, with unlockWait between.
const (
	unlockTries = 3
	unlockWait  = 200 * time.Millisecond
)

// ErrGroupForeign says that the entry group was created by somebody else; it is never entered.
var ErrGroupForeign = errors.New("epicor: the entry group belongs to somebody else")

// groupLock counts who in this process works in a group, so that the first takes
// the lock and the last gives it free.
type groupLock struct {
	turn  chan struct{} // held while the lock is taken or given back
	users int           // guarded by turn
	ds    *Tableset     // the group as it was locked; guarded by turn
	refs  int           // guarded by APInvoiceService.mu
}

// groupName names the entry group of an invoice.
func (s *APInvoiceService) groupName(in *APInvoiceInput) string {
	switch {
	case in.Group != "":
		return in.Group
	case s.opts.Group != nil:
		return s.opts.Group(*in)
	}
	letter := "X"
	if in.Currency != "" {
		letter = in.Currency[:1]
	}
	switch s.opts.Strategy {
	case GroupByMonth:
		return s.opts.GroupPrefix + in.ApplyDate.Time().Format("0601")
	case GroupByDay:
		return s.opts.GroupPrefix + in.ApplyDate.Time().Format("060102")
	case GroupByDayAndWholeCurrency:
		currency := in.Currency
		if currency == "" {
			currency = "X"
		}
		one := func(n int) string { return strings.ToUpper(strconv.FormatInt(int64(n), 36)) }
		return s.opts.GroupPrefix + in.ApplyDate.Time().Format("06") + one(int(in.ApplyDate.Month)) + one(in.ApplyDate.Day) + currency
	case GroupByDayAndCurrency:
	default:
	}
	return s.opts.GroupPrefix + in.ApplyDate.Time().Format("060102") + letter
}

// enter makes a group, where it does not exist, and locks it for this client's
// user. leave must be called once.
//
// Epicor knows users, not processes: where several processes have one user, the
// first to leave gives the group free for all of them. Give each process a
// GroupPrefix of its own, so that no two work in one group.
func (s *APInvoiceService) enter(ctx context.Context, id string, apply Date) (leave func(context.Context) error, err error) {
	l := s.groupLock(id)
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		s.dropLock(id)
		return nil, ctx.Err()
	}
	defer func() { <-l.turn }()
	if l.users == 0 {
		if l.ds, err = s.lock(ctx, id, apply); err != nil {
			s.dropLock(id)
			return nil, err
		}
	}
	l.users++
	return func(ctx context.Context) error { return s.leave(ctx, id, l) }, nil
}

func (s *APInvoiceService) leave(ctx context.Context, id string, l *groupLock) error {
	defer s.dropLock(id)
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	l.users--
	if l.users > 0 {
		return nil
	}
	return s.unlock(ctx, id, l.ds)
}

// unlock gives a group free by UnlockAPGroup, which clears only the lock of the
// caller's own user; UnlockGroup does not say so. It may be repeated.
func (s *APInvoiceService) unlock(ctx context.Context, id string, ds *Tableset) error {
	// The caller may have gone away; a group that stays locked keeps people out.
	ctx = context.WithoutCancel(ctx)
	var err error
	for try := range unlockTries {
		if try > 0 { // a gateway's refusal passes, and nobody comes back to this group of himself
			<-time.After(unlockWait)
		}
		if err = s.unlockOnce(ctx, id, ds); err == nil { // whatever the answer holds
			return nil
		}
	}
	return err
}

// unlockOnce has a time of its own, so that one call that hangs, or whose record
// does, leaves time for the next.
func (s *APInvoiceService) unlockOnce(ctx context.Context, id string, ds *Tableset) error {
	ctx, cancel := context.WithTimeout(ctx, unlockTime)
	defer cancel()
	_, err := s.c.Compute(ctx, groupService, "UnlockAPGroup", Params{"groupID": id, "ds": ds})
	return err
}

// Release gives a group free that this client's user still holds although
// nobody in this process works in it: a process that was killed left it locked,
// and people could not post it. A group that somebody else holds, that is free
// or gone is left alone. It is repeatable. Another process of the same user that
// works in the group at the moment loses its lock, so call it only when
// recovering.
func (s *APInvoiceService) Release(ctx context.Context, group string) error {
	l := s.groupLock(group)
	defer s.dropLock(group)
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	if l.users > 0 {
		return nil
	}
	ds, err := s.group(ctx, group)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	row, err := one(ds, tableGroup)
	if err != nil {
		return err
	}
	user, err := s.user(ctx)
	if err != nil {
		return err
	}
	if by := row.Text("ActiveUserID"); by == "" || user == "" || !strings.EqualFold(by, user) {
		return nil
	}
	return s.unlock(ctx, group, ds)
}

func (s *APInvoiceService) groupLock(id string) *groupLock {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.groups[id]
	if l == nil {
		l = &groupLock{turn: make(chan struct{}, 1)}
		s.groups[id] = l
	}
	l.refs++
	return l
}

func (s *APInvoiceService) dropLock(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.groups[id]; l != nil {
		if l.refs--; l.refs == 0 {
			delete(s.groups, id)
		}
	}
}

// lock sees to it that the group exists and is ours, and locks it. Both may be
// repeated without harm.
func (s *APInvoiceService) lock(ctx context.Context, id string, apply Date) (*Tableset, error) {
	if err := s.settled(ctx, id); err != nil {
		return nil, err
	}
	ds, err := s.group(ctx, id)
	if errors.Is(err, ErrNotFound) {
		if err = s.makeGroup(ctx, id, apply); err == nil {
			ds, err = s.group(ctx, id)
		}
	}
	if err != nil {
		return nil, err
	}
	row, err := one(ds, tableGroup)
	if err != nil {
		return nil, err
	}
	user, err := s.owner(ctx, id, row)
	if err != nil {
		return nil, err
	}
	before := row.Text("ActiveUserID")
	if before != "" && !strings.EqualFold(before, user) {
		return nil, lockedBy(id, before)
	}
	if row.Bool("PostInProcess") {
		return nil, lockedBy(id, "the posting process")
	}
	// Epicor locks "only if the group is not locked already" and need not say that
	// it did not: look who has it.
	by := ""
	out, err := s.c.APInvoiceGroups.LockAPGroup(ctx, id, ds)
	if err == nil {
		by, err = s.holder(ctx, id, out)
	}
	switch {
	case err != nil && before == "":
		// An earlier try may have locked it, whatever the last one was answered.
		return nil, errors.Join(err, s.unlockOurs(ctx, id, ds))
	case err != nil:
		return nil, err // it is as locked as it was
	case !strings.EqualFold(by, user):
		return nil, lockedBy(id, by)
	}
	return out, nil
}

// owner is the user that a group is ours by. A group that somebody else made is
// never entered, nor one of which that cannot be said.
func (s *APInvoiceService) owner(ctx context.Context, id string, group *Row) (string, error) {
	user, err := s.user(ctx)
	if err != nil {
		return "", err
	}
	by := group.Text("CreatedBy")
	switch {
	case user == "":
		return "", fmt.Errorf("%w: group %s was created by %s, and it is not known whether that is this credential's user: name InvoiceOptions.User", ErrGroupForeign, id, by)
	case !strings.EqualFold(by, user):
		return "", fmt.Errorf("%w: group %s was created by %s, not by %s", ErrGroupForeign, id, by, user)
	}
	return user, nil
}

// holder is who holds a group after it was locked.
func (s *APInvoiceService) holder(ctx context.Context, id string, locked *Tableset) (string, error) {
	if row, err := one(locked, tableGroup); err == nil && row.Text("ActiveUserID") != "" {
		return row.Text("ActiveUserID"), nil
	}
	ds, err := s.group(ctx, id)
	if err != nil {
		return "", err
	}
	row, err := one(ds, tableGroup)
	if err != nil {
		return "", err
	}
	return row.Text("ActiveUserID"), nil
}

// unlockOurs gives a group free that may be locked by us. That somebody else holds
// it, which Epicor then says, is no failure.
func (s *APInvoiceService) unlockOurs(ctx context.Context, id string, ds *Tableset) error {
	err := s.unlock(ctx, id, ds)
	var e *Error
	if errors.As(err, &e) && e.Refused() && e.Concurrent() {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the group %s could not be given free: %w", id, err)
	}
	return nil
}

func lockedBy(id, user string) error {
	if user == "" {
		user = "nobody, although it was to be locked"
	}
	return &Error{
		Operation: groupService + "/LockAPGroup", Status: http.StatusConflict,
		Message: fmt.Sprintf("group %s is locked by %s", id, user),
	}
}

// user is the Epicor user whose groups are entered, "" where it is not known: that
// of the options or of the credential, else who made the first group of this client.
func (s *APInvoiceService) user(ctx context.Context) (string, error) {
	if s.opts.User != "" {
		return s.opts.User, nil
	}
	cred, err := opened(ctx, s.c.cred)
	if err != nil {
		return "", credentialError(groupService, err)
	}
	if u := userOf(cred); u != "" {
		return u, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.learned, nil
}

func (s *APInvoiceService) group(ctx context.Context, id string) (*Tableset, error) {
	return s.c.APInvoiceGroups.GetByID(ctx, id)
}

// makeGroup creates a group. Somebody may create it at the same moment, and an
// answer may get lost, so a failure is only one when the group does not exist
// afterwards.
func (s *APInvoiceService) makeGroup(ctx context.Context, id string, apply Date) error {
	ds, err := s.c.APInvoiceGroups.GetNewAPInvGrpNoLock(ctx, NewTableset())
	if err != nil {
		return err
	}
	row, err := one(ds, tableGroup)
	if err != nil {
		return err
	}
	if err := errors.Join(row.Set("GroupID", id), row.Set("ApplyDate", apply)); err != nil {
		return err
	}
	row.drop("SysRevID")
	row.drop("SysRowID")
	made, err := s.c.APInvoiceGroups.Update(ctx, ds)
	if err == nil {
		// Whoever made it is who this credential is.
		if row, rerr := one(made, tableGroup); rerr == nil && row.Text("GroupID") == id {
			s.mu.Lock()
			s.learned = row.Text("CreatedBy")
			s.mu.Unlock()
		}
		return nil
	}
	var e *Error
	if errors.As(err, &e) && (!e.Refused() || e.Duplicate()) {
		if _, gone := s.group(ctx, id); gone == nil {
			return nil
		}
	}
	return err
}

// one returns the row of a table that has exactly one.
func one(ds *Tableset, table string) (*Row, error) {
	rows := ds.Current(table)
	if len(rows) != 1 {
		return nil, fmt.Errorf("epicor: the answer holds %d rows of %s, expected one", len(rows), table)
	}
	return rows[0], nil
}

func orObject(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}
