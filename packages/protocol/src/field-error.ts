/** One bad field of a request: a path such as `overrides.topP`, and what was expected there. */
export type FieldError = { field: string; message: string };
