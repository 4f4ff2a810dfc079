import { isObject } from './forms.js';
import { pointerTo } from './json-text.js';
import { type FieldPlan, type Plan, planOf } from './plan.js';

/** Told of each fault, by the RFC 6901 pointer of what is wrong. */
export type Report = (pointer: string, detail: string) => void;

/**
 * Checks and converts one object. Faults are reported; the result is good only when there was none.
 * In a body, null counts as absent where there is a default.
 * @param text whether its values are those of a query
 */
export function carryOut(
  plan: Plan,
  source: Record<string, unknown>,
  pointer: string,
  report: Report,
  text = false,
): object {
  const { fields } = plan;
  const result = plan.defaults() as Record<string, unknown>;
  const sent = text ? withGathered(plan, source, pointer, report) : source;
  for (const name of Object.keys(sent)) {
    const field = fields.get(name);
    if (field === undefined) report(pointerTo(pointer, name), `${name} is not known here`);
    else if (text && Array.isArray(sent[name]) && !field.checks.some(({ each }) => each)) {
      report(pointerTo(pointer, name), `${name} must be one value, given once`);
    } else {
      let value = sent[name];
      if (text && field.fromText !== undefined) value = field.fromText(value);
      if (field.convert !== undefined) value = field.convert(value);
      const isDefault = !text && value === null && Object.hasOwn(result, name);
      if (value !== undefined && !isDefault) result[name] = value;
    }
  }
  for (const field of fields.values()) {
    const value = result[field.name];
    if (field.conditions.every((condition) => condition(result, value))) {
      checkField(field, value, result, pointer, report);
    }
  }
  return result;
}

/** A value that is no text is reported where it stands, and gathered no further. */
function withGathered(
  plan: Plan,
  query: Record<string, unknown>,
  pointer: string,
  report: Report,
): Record<string, unknown> {
  const gathering = [...plan.fields.values()].filter(({ gathers }) => gathers === true);
  if (gathering.length === 0) return query;
  const source: Record<string, unknown> = { ...query };
  for (const { name } of gathering) {
    const found = Object.entries(query).filter(([key]) => key.startsWith(`${name}.`));
    for (const [key] of found) Reflect.deleteProperty(source, key);
    const texts = found.filter(([, value]) => typeof value === 'string');
    for (const [key, value] of found) {
      if (typeof value !== 'string') report(pointerTo(pointer, key), `${key} must be a text, given once`);
    }
    if (texts.length > 0)
      source[name] = Object.fromEntries(texts.map(([key, value]) => [key.slice(name.length + 1), value]));
  }
  return source;
}

/** At most one fault of a value is reported: what follows from it helps nobody. */
function checkField(
  field: FieldPlan,
  value: unknown,
  result: Record<string, unknown>,
  pointer: string,
  report: Report,
): void {
  const at = pointerTo(pointer, field.name);
  for (const check of field.checks) {
    const members = check.each ? membersOf(value, field) : undefined;
    if (members !== undefined) {
      let faulty = false;
      for (const [key, member] of members) {
        const fault = check.fault(member, result);
        if (fault === undefined) continue;
        report(pointerTo(at, key), fault);
        faulty = true;
      }
      if (faulty) return;
    } else {
      const fault = check.fault(value, result);
      if (fault !== undefined) {
        report(at, fault);
        return;
      }
    }
  }
  if (field.shape === undefined) return;
  const plan = planOf(field.shape());
  result[field.name] =
    field.asQuery === true && isObject(value)
      ? carryOut(plan, value, at, report, true)
      : shaped(plan, value, at, report);
}

/** The values that are checked one by one, with where each stands in the field. */
function membersOf(value: unknown, field: FieldPlan): Iterable<[string | number, unknown]> | undefined {
  if (Array.isArray(value)) return value.entries();
  return field.keyed === true && isObject(value) ? Object.entries(value) : undefined;
}

function shaped(plan: Plan, value: unknown, pointer: string, report: Report): unknown {
  if (Array.isArray(value)) {
    return value.map((member, n) => shapedObject(plan, member, pointerTo(pointer, n), report));
  }
  return shapedObject(plan, value, pointer, report);
}

/** @returns undefined when the value is no object, which is reported */
export function shapedObject(
  plan: Plan,
  value: unknown,
  pointer: string,
  report: Report,
): object | undefined {
  if (isObject(value)) return carryOut(plan, value, pointer, report);
  report(pointer, 'must be a JSON object');
  return undefined;
}
