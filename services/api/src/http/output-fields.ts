import { z } from 'zod';

/** Fields of answers, as their JSON has them. */
export const shownId = () => z.uuid();
export const shownTime = () => z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC');
