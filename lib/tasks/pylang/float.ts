/** A Python `float`, told apart from an `int` (a JavaScript number here is always a Python `int`). */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}
