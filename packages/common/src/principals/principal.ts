/** On whose behalf something is done. Every read and write for a principal names its workspace. */
export type Principal = { workspaceId: string };
