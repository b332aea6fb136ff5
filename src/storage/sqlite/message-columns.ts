/** Of `MessageRow`. */
export const messageColumns = `m.instance_id, m.id, m.target, m.event_type, m.event_id, m.event_at, m.publish_id,
  m.state, m.drop_reason, m.attempts, m.earlier_attempts, m.due_at, m.claim_token, m.batch_id, m.left_batches`;
