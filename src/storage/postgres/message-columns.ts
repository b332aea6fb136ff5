/** Of `MessageRow`, from `messages m` with `queueJoin`: what changes with the attempts of a message that waits is in the queue. */
export const messageColumns = `m.instance_id, m.id, m.target, m.event_type, m.event_id, m.event_at, m.publish_id, m.state,
  m.drop_reason, CASE WHEN q.message_id IS NULL THEN m.attempts ELSE m.earlier_attempts + q.tries END AS attempts,
  m.earlier_attempts, q.due_at, q.claim_token, coalesce(q.batch_id, m.batch_id) AS batch_id, m.left_batches`;

export const queueJoin = 'LEFT JOIN message_queue q ON q.instance_id = m.instance_id AND q.message_id = m.id';
