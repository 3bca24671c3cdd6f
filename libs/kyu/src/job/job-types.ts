/**
 * Payload types of jobs that are named by plain strings. Empty; an application adds its own:
 *
 * ```ts
 * declare module '@kyu/nestjs' {
 *   interface JobTypes {
 *     send_email: { to: string };
 *   }
 * }
 * ```
 *
 * From then on `enqueue('send_email', …)` takes that payload and no other. Names that are not in it stay as they are: any payload.
 *
 * @publicApi
 */
export interface JobTypes {}
