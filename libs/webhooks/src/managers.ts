/** Who manages the webhooks of a project; a webhook sees the events of all its users. */
export const managers = ['operator', 'admin'] as const;
