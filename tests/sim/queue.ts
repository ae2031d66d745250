/** What is going to happen, earliest first; what is due at the same time in the order of asking. */
export class Queue {
  readonly #heap: { at: number; order: number; run: () => void }[] = [];
  #order = 0;

  /** When the next thing is due; Infinity: nothing is. */
  get nextAt(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].at;
  }

  add(at: number, run: () => void): void {
    const heap = this.#heap;
    const item = { at, order: this.#order++, run };
    let i = heap.length;
    heap.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(item, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = item;
  }

  /** Removes the next one and returns it. */
  take(): () => void {
    const heap = this.#heap;
    const { run } = heap[0];
    const last = heap.pop()!;
    if (heap.length > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
        if (!isBefore(heap[child], last)) break;
        heap[i] = heap[child];
        i = child;
      }
      heap[i] = last;
    }
    return run;
  }
}

function isBefore(
  a: { readonly at: number; readonly order: number },
  b: { readonly at: number; readonly order: number },
): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
