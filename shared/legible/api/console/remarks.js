// What the API says in English sentences of a known form, as the page's language says it.

import { t } from "./language.js";

/** The sentences, by the text that says the same; the groups are its values. One that is not here stays as it is. */
const REMARKS = [
  ["remark_kept", /^Cloud Eye keeps these points for (?<days>\d+) days: compared from (?<from>[-\d :]+)\.$/],
  ["remark_not_kept", /^Cloud Eye keeps these points for (?<days>\d+) days: nothing before (?<from>[-\d :]+) can be compared\.$/],
  ["remark_late", /^Not compared from (?<from>[-\d :]+) on: data may be late\.$/],
  ["remark_waiting", /^Not compared from (?<from>[-\d :]+) on: journals wait to be counted\.$/],
  ["remark_unpriced", /^No prices? (?:is|are) set(?:, among others)? for (?<slugs>[-a-z\d, ]+): .*not known \(\[\[prices\.list\]\]\)\.$/],
];
const USES = [
  ["used_by_default", /^default$/],
  ["used_by_folder", /^folder (?<name>.*)$/s],
  ["used_by_route", /^route (?<name>.*)$/s],
];

function said(forms, text) {
  for (const [name, form] of forms) {
    const found = form.exec(text);
    if (found) return t(name, found.groups ?? {});
  }
  return "";
}

/** A remark of the API in the page's language; empty where its form is not known. */
export function remarked(text) {
  return said(REMARKS, text);
}

/** What an operation is used by, as the page's language says it. */
export function usedBy(text) {
  return said(USES, text) || text;
}
