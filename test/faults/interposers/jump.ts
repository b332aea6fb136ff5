/** Loaded before the server: its clock jumps `by` milliseconds at the time `at`, in all of its threads. */
const { searchParams } = new URL(import.meta.url);
const at = Number(searchParams.get('at'));
const by = Number(searchParams.get('by'));
const now = Date.now.bind(Date);
Date.now = () => {
  const time = now();
  return time >= at ? time + by : time;
};
