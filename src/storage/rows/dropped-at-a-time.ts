/** Of what a canceled publish has left: millions are dropped in steps, and what others write in between hardly waits. */
export const droppedAtATime = 1_000;
