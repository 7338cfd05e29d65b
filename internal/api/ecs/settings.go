package ecs

import (
	"context"
	"slices"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// settingRule is an account setting's values and what holds when nobody set it (API_Setting).
type settingRule struct {
	name   string
	usual  string
	values []string
}

// settingRules lists every account setting. The long ARN formats cannot be turned off since 2021.
var settingRules = []settingRule{
	{"awsvpcTrunking", "disabled", onOff},
	{"containerInsights", "disabled", []string{"enhanced", "enabled", "disabled", "on", "off"}},
	{"containerInstanceLongArnFormat", "enabled", []string{"enabled", "on"}},
	{"defaultLogDriverMode", "non-blocking", []string{"blocking", "non-blocking"}},
	{"fargateEventWindows", "disabled", onOff},
	{"fargateFIPSMode", "disabled", onOff},
	{"fargateTaskRetirementWaitPeriod", "7", []string{"0", "7", "14"}},
	{"guardDutyActivate", "off", onOff},
	{"serviceLongArnFormat", "enabled", []string{"enabled", "on"}},
	{"tagResourceAuthorization", "off", onOff},
	{"taskLongArnFormat", "enabled", []string{"enabled", "on"}},
}

var onOff = []string{"enabled", "disabled", "on", "off"}

func ruleOf(name string) (settingRule, error) {
	i := slices.IndexFunc(settingRules, func(r settingRule) bool { return r.name == name })
	if i < 0 {
		return settingRule{}, invalid("Invalid setting name: %s", name)
	}
	return settingRules[i], nil
}

// setting is the value that holds for the caller: its own, else the account's, else AWS's.
func (a *API) setting(v store.View, c front.Caller, name string) string {
	value, _ := effective(v, scopeOf(c), c.Principal, name)
	return value
}

func effective(v store.View, scope state.Scope, principal, name string) (value, owner string) {
	for _, p := range []string{principal, ""} {
		s, ok := v.AccountSettings().Get(store.SettingKey(scope, p, name))
		if ok {
			return s.Value, s.Principal
		}
	}
	rule, err := ruleOf(name)
	if err != nil {
		return "", ""
	}
	return rule.usual, ""
}

// PutAccountSetting sets a value for one principal: the caller, unless another is named. The root's own is the
// account's default.
func (a *API) PutAccountSetting(ctx context.Context, c front.Caller, in *ecswire.PutAccountSettingRequest,
) (*ecswire.PutAccountSettingResponse, error) {
	s, err := a.putSetting(ctx, c, principalOf(c, in.PrincipalArn), deref(in.Name), deref(in.Value))
	if err != nil {
		return nil, err
	}
	return &ecswire.PutAccountSettingResponse{Setting: s}, nil
}

// PutAccountSettingDefault sets the value of every principal without one of its own.
func (a *API) PutAccountSettingDefault(ctx context.Context, c front.Caller,
	in *ecswire.PutAccountSettingDefaultRequest,
) (*ecswire.PutAccountSettingDefaultResponse, error) {
	s, err := a.putSetting(ctx, c, "", deref(in.Name), deref(in.Value))
	if err != nil {
		return nil, err
	}
	return &ecswire.PutAccountSettingDefaultResponse{Setting: s}, nil
}

// principalOf is the principal that a setting belongs to, "" for the account's default.
func principalOf(c front.Caller, given *string) string {
	p := c.Principal
	if deref(given) != "" {
		p = *given
	}
	if p == rootARN(c.Account) {
		return ""
	}
	return p
}

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

func (a *API) putSetting(ctx context.Context, c front.Caller, principal, name, value string,
) (*ecswire.Setting, error) {
	rule, err := ruleOf(name)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, "LongArnFormat") && (value == "disabled" || value == "off") {
		return nil, invalid("You can no longer disable Long Arn settings")
	}
	if !slices.Contains(rule.values, value) {
		return nil, invalid("Invalid setting value for %s: %s. The valid values are %s.", name, value,
			strings.Join(rule.values, ", "))
	}
	s := state.AccountSetting{Scope: scopeOf(c), Principal: principal, Name: name, Value: value}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		kept := s
		tx.AccountSettings().Put(&kept)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ptr(renderSetting(c.Account, principal, name, value)), nil
}

// DeleteAccountSetting goes back to the account's default, or from there to AWS's.
func (a *API) DeleteAccountSetting(ctx context.Context, c front.Caller, in *ecswire.DeleteAccountSettingRequest,
) (*ecswire.DeleteAccountSettingResponse, error) {
	rule, err := ruleOf(deref(in.Name))
	if err != nil {
		return nil, err
	}
	principal := principalOf(c, in.PrincipalArn)
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		tx.AccountSettings().Delete(store.SettingKey(scopeOf(c), principal, rule.name))
		return nil
	})
	if err != nil {
		return nil, err
	}
	value, _ := effective(a.Store.View(), scopeOf(c), principal, rule.name)
	return &ecswire.DeleteAccountSettingResponse{
		Setting: ptr(renderSetting(c.Account, principal, rule.name, value))}, nil
}

// ListAccountSettings lists what a principal set, or with effectiveSettings what holds for it.
func (a *API) ListAccountSettings(_ context.Context, c front.Caller, in *ecswire.ListAccountSettingsRequest,
) (*ecswire.ListAccountSettingsResponse, error) {
	name, wanted := deref(in.Name), deref(in.Value)
	if wanted != "" && name == "" {
		return nil, invalid("value can only be specified together with name.")
	}
	p, err := newPaging(c, "ListAccountSettings", name+"/"+wanted, in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, err
	}
	v, principal := a.Store.View(), principalOf(c, in.PrincipalArn)
	found := []ecswire.Setting{}
	for _, rule := range settingRules {
		value, owner, ok := shownSetting(v, scopeOf(c), principal, rule.name, deref(in.EffectiveSettings))
		if ok && (name == "" || name == rule.name) && (wanted == "" || wanted == value) {
			found = append(found, renderSetting(c.Account, owner, rule.name, value))
		}
	}
	shown, next := cut(p, found, func(s ecswire.Setting) string { return *s.Name })
	return &ecswire.ListAccountSettingsResponse{Settings: shown, NextToken: next}, nil
}

func shownSetting(v store.View, scope state.Scope, principal, name string, whole bool) (value, owner string, ok bool) {
	if whole {
		value, owner = effective(v, scope, principal, name)
		return value, owner, true
	}
	s, ok := v.AccountSettings().Get(store.SettingKey(scope, principal, name))
	if !ok {
		return "", "", false
	}
	return s.Value, s.Principal, true
}

func renderSetting(account, principal, name, value string) ecswire.Setting {
	if principal == "" {
		principal = rootARN(account)
	}
	kind := "user"
	if name == "guardDutyActivate" {
		kind = "aws_managed"
	}
	return ecswire.Setting{Name: ptr(name), Value: ptr(value), PrincipalArn: ptr(principal), Type: ptr(kind)}
}
