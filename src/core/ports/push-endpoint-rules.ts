/** Which push services subscriptions may point at: implemented by `egress`, asked at registration and before sending. */
export interface PushEndpointRules {
  /** Null when the endpoint may be used, else what is wrong with it, in words fit for an API's answer. */
  refusal(endpoint: string): string | null;
}
