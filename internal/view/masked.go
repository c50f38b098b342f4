package view

import (
	"maps"
	"slices"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/plan"
	"haprov/internal/secret"
)

// Masked masks secrets in whatever another view is given, before that cuts, folds or escapes it.
// What the view writes goes through a secret.Writer all the same.
type Masked struct{ View }

// Lab masks what the lab reports.
func (v Masked) Lab(e lab.Event) {
	e.Text = secret.Mask(e.Text)
	v.View.Lab(e)
}

// Event masks one event of the engine.
func (v Masked) Event(e engine.Event) { v.View.Event(masked(e)) }

// Summary masks the errors of a run.
func (v Masked) Summary(s engine.Summary, err error) {
	s.Outcomes = maps.Clone(s.Outcomes)
	for h, why := range s.Outcomes {
		s.Outcomes[h] = maskedErr(why)
	}
	v.View.Summary(s, maskedErr(err))
}

func masked(e engine.Event) engine.Event {
	switch e := e.(type) {
	case engine.Planned:
		e.Plan.Items = slices.Clone(e.Plan.Items)
		for i := range e.Plan.Items {
			e.Plan.Items[i] = maskedItem(e.Plan.Items[i])
		}
		return e
	case engine.Started:
		e.Title = secret.Mask(e.Title)
		return e
	case engine.Done:
		e.Title, e.Diffs = secret.Mask(e.Title), maskedDiffs(e.Diffs)
		return e
	case engine.Failed:
		e.Err, e.Command, e.Output = maskedErr(e.Err), secret.Mask(e.Command), secret.Mask(e.Output)
		return e
	case engine.Waiting:
		e.Reason = secret.Mask(e.Reason)
		return e
	case engine.Phase:
		e.Name = secret.Mask(e.Name)
		return e
	case engine.Noted:
		e.Text = secret.Mask(e.Text)
		return e
	case engine.Checked:
		e.Text, e.Err, e.Output = secret.Mask(e.Text), maskedErr(e.Err), secret.Mask(e.Output)
		return e
	}
	return e // engine.Connected and engine.Exchanged hold nothing from a host
}

func maskedItem(it plan.Item) plan.Item {
	it.Phase, it.Then = secret.Mask(it.Phase), slices.Clone(it.Then)
	for i, s := range it.Then {
		it.Then[i] = secret.Mask(s)
	}
	it.Change.Later, it.Change.Diffs = secret.Mask(it.Change.Later), maskedDiffs(it.Change.Diffs)
	if w := it.Change.Wait; w != nil {
		masked := *w
		masked.Reason, masked.Progress, masked.Evidence = secret.Mask(w.Reason), secret.Mask(w.Progress), secret.Mask(w.Evidence)
		it.Change.Wait = &masked
	}
	return it
}

func maskedDiffs(ds []plan.Diff) []plan.Diff {
	ds = slices.Clone(ds)
	for i, d := range ds {
		d.Attribute, d.Have, d.Want, d.Danger = secret.Mask(d.Attribute), secret.Mask(d.Have), secret.Mask(d.Want), secret.Mask(d.Danger)
		ds[i] = d
	}
	return ds
}

// maskedError is an error with its secrets masked; what it is stays as it was.
type maskedError struct {
	error
	text string
}

func (e maskedError) Error() string { return e.text }
func (e maskedError) Unwrap() error { return e.error }

func maskedErr(err error) error {
	if err == nil {
		return nil
	}
	if text := err.Error(); secret.Mask(text) != text {
		return maskedError{err, secret.Mask(text)}
	}
	return err
}
