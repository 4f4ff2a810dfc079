/** What class-validator has no place for: how a field is read, and what its members are. */
export interface FieldNote {
  /** Class of the members of a list, or of the object itself. */
  readonly shape?: () => new () => object;
  /** The members of that class are read as query parameters are. */
  readonly asQuery?: true;
  /** Turns what was sent into what is checked and handed on. */
  readonly convert?: (value: unknown) => unknown;
  /** The same, for text from a query only. */
  readonly fromText?: (value: unknown) => unknown;
  /** The field gathers all query parameters `<name>.<key>`. */
  readonly gathers?: true;
  /** It is an object, whose members are what is checked where each is. */
  readonly keyed?: true;
}

const key = Symbol('runledger:fields');

/** Adds to what is noted of a field. */
export const note =
  (added: FieldNote): PropertyDecorator =>
  (target, property) => {
    const known = notesOf(target);
    const notes = new Map([...known, [String(property), { ...known.get(String(property)), ...added }]]);
    Reflect.defineMetadata(key, notes, target);
  };

/** What is noted of the fields of a class, by its prototype, inherited notes too. */
export const notesOf = (prototype: object): ReadonlyMap<string, FieldNote> =>
  (Reflect.getMetadata(key, prototype) as ReadonlyMap<string, FieldNote> | undefined) ??
  new Map<string, FieldNote>();
