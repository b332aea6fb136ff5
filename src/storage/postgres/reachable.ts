// Rows are compared, not numbers: else the planner may walk along all instances' devices by their numbers, believing that those
// of this one are spread evenly among them.

const reachable = 'gone_at IS NULL AND muted_at IS NULL';

/** Devices of an instance ($1) after a number ($2) and up to another ($3), in order, some of them ($4). */
export const listReachable = `
  SELECT number FROM devices
  WHERE (instance_id, number) > ($1, $2) AND (instance_id, number) <= ($1, $3) AND ${reachable}
  ORDER BY instance_id, number LIMIT $4`;

/** The last device of an instance ($1) up to a number ($2). */
export const findLastReachable = `
  SELECT number AS last FROM devices
  WHERE (instance_id, number) > ($1, 0) AND (instance_id, number) <= ($1, $2) AND ${reachable}
  ORDER BY instance_id DESC, number DESC LIMIT 1`;
