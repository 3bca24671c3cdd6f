/** What to do about a name or a definition that a decorator got as `undefined`, as the end of a message. */
export const UNDEFINED_BY_CIRCULAR_IMPORT =
  'undefined. Two files that import each other (a circular import) see undefined in place of what the other one exports while they load: ' +
  'move that export into a file of its own, which imports neither of the two';
