import { getMetadataStorage, type ValidationArguments, ValidationTypes } from 'class-validator';
import { type FieldNote, notesOf } from './field-notes.js';

export type Shape = new () => object;
type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

interface Check {
  readonly each: boolean;
  /** What is wrong with the value; undefined when nothing is. */
  fault(value: unknown, object: object): string | undefined;
}

export interface FieldPlan extends FieldNote {
  readonly name: string;
  readonly conditions: readonly ((object: object, value: unknown) => boolean)[];
  readonly checks: readonly Check[];
}

/**
 * What class-validator's decorators say of a class, gathered once, so that a request costs the
 * checks alone: no look-up of metadata, no copy by class-transformer.
 */
export interface Plan {
  readonly shape: Shape;
  readonly fields: ReadonlyMap<string, FieldPlan>;
  readonly defaults: () => object;
}

const plans = new WeakMap<Shape, Plan>();

export function planOf(shape: Shape): Plan {
  let plan = plans.get(shape);
  if (plan === undefined) plans.set(shape, (plan = gathered(shape)));
  return plan;
}

function gathered(shape: Shape): Plan {
  const prototype = shape.prototype as object;
  const notes = notesOf(prototype);
  const byField = grouped(shape);
  const fields = new Map<string, FieldPlan>();
  for (const name of new Set([...byField.keys(), ...notes.keys()])) {
    const metadata = byField.get(name) ?? [];
    fields.set(name, {
      ...notes.get(name),
      name,
      conditions: metadata
        .filter(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION)
        .map(({ constraints }) => constraints[0] as (object: object, value: unknown) => boolean),
      checks: metadata
        .filter(
          ({ type }) => type === ValidationTypes.CUSTOM_VALIDATION || type === ValidationTypes.IS_DEFINED,
        )
        .flatMap((one) => checksOf(shape, one)),
    });
  }
  const given = Object.entries(new shape()).filter(([, value]) => value !== undefined);
  const plain = given.every(([, value]) => typeof value !== 'object');
  const defaults = () =>
    Object.assign(
      Object.create(prototype) as object,
      Object.fromEntries(plain ? given : structuredClone(given)),
    );
  return {
    shape,
    fields,
    defaults: given.length === 0 ? () => Object.create(prototype) as object : defaults,
  };
}

function grouped(shape: Shape): Map<string, Metadata[]> {
  const groups = new Map<string, Metadata[]>();
  for (const one of getMetadataStorage().getTargetValidationMetadatas(shape, '', false, false)) {
    const group = groups.get(one.propertyName);
    if (group === undefined) groups.set(one.propertyName, [one]);
    // The decorator written first is applied last, and is the one to report first.
    else group.unshift(one);
  }
  return groups;
}

function checksOf(shape: Shape, metadata: Metadata): Check[] {
  const { each, message, constraints, propertyName: property } = metadata;
  return getMetadataStorage()
    .getTargetValidatorConstraints(metadata.constraintCls)
    .map(({ instance }) => ({
      each,
      fault(value, object) {
        const args: ValidationArguments = { value, constraints, targetName: shape.name, object, property };
        if (instance.validate(value, args) === true) return undefined;
        const own = typeof message === 'function' ? message(args) : message;
        const text =
          own === '' || (own as string | undefined) === undefined ? instance.defaultMessage?.(args) : own;
        return (text ?? `${property} is wrong`)
          .replaceAll('$property', property)
          .replaceAll(/\$constraint(\d+)/g, (_, n: string) => String(constraints[Number(n) - 1]));
      },
    }));
}
