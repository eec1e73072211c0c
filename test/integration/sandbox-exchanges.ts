/** A submission with the tests it meets; `helpers` is the task's prefix. */
export interface Exchange {
  readonly name: string;
  readonly source: string;
  readonly tests: string;
  readonly helpers?: string;
  readonly entry?: string;
}

export const NODE = `class Node:
    limit = 3
    def __init__(self, value=0, next=None):
        self.value, self.next = value, next
    def __eq__(self, other):
        return type(other) is Node and self.value == other.value
    def valid(self):
        return self.value < self.limit
`;
export const NODE_PREFIX = `${NODE}def f(node):\n    """To be written."""\n`;
export const SHIFT = 'def shift(s):\n    return s[1:] + s[0]\n\n\n';
