/** The workspace that everything belongs to for as long as there are no keys. */
export const defaultWorkspaceId = '00000000-0000-7000-8000-000000000001';
