/** A field of a form that numbers its rows: that of `value` whose number is the one of the field of `name` that is `text`. */
type NumberedField = { value: string; name: string; text: string };

const FORM = /^([^*[\]]+)\*\[([^*[\]]+)\*=([^*[\]]+)\]$/;

/** `attributeValue*[attributeName*=source-uuid]`: attributeValue2 where attributeName2 is source-uuid. undefined: an ordinary name. */
export function numberedField(field: string): NumberedField | undefined {
  const [, value, name, text] = FORM.exec(field) ?? [];
  return value === undefined || name === undefined || text === undefined ? undefined : { value, name, text };
}
