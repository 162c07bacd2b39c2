// Asking again: soon while something changes, more and more rarely while nothing does, never in a hidden tab.

const FIRST = 2000;
const MOST = 15000;
const IDLE = 60000;

/**
 * Call `task` until it returns `{ again: false }` or `signal` is aborted. `{ changed: true }` makes the next wait short,
 * `{ idle: true }` lets the waits become long ones: nothing is known to be on its way.
 * A passing Problem is told to `failed`, and waited out; any other ends the polling after it was told.
 */
export async function poll(task, failed, signal) {
  let wait = FIRST;
  while (!signal.aborted) {
    await pause(wait, signal);
    try {
      const { again, changed, idle } = await task();
      if (!again) return;
      wait = changed ? FIRST : Math.min(wait * 1.3, idle ? IDLE : MOST);
    } catch (problem) {
      if (signal.aborted) return;
      failed(problem);
      if (!problem.passing) return;
      wait = Math.min(Math.max(wait * 2, problem.after * 1000), 60000);
    }
  }
}

/** Wait so many milliseconds, and longer while the tab is hidden. */
export async function pause(milliseconds, signal) {
  await new Promise((resolve) => {
    const timer = setTimeout(ended, milliseconds);
    signal?.addEventListener("abort", ended);
    function ended() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", ended);
      resolve();
    }
  });
  while (document.hidden && !signal?.aborted) await shown(signal);
}

function shown(signal) {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
    signal?.addEventListener("abort", resolve, { once: true });
  });
}
