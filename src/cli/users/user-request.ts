import type { AdminUserAnswer } from '../../auth/admin/user-admin.service.js';
import type { AuthOptions } from '../../options/auth-options.js';

/** The command and its arguments. `user` is an e-mail address or an id. */
export type UserAct =
  | {
      readonly command: 'list';
      readonly email: string | undefined;
      readonly role: string | undefined;
      readonly disabled: boolean | undefined;
      readonly after: string | undefined;
      readonly limit: number;
    }
  | { readonly command: 'roles'; readonly user: string; readonly roles: readonly string[] }
  | { readonly command: 'show' | 'unlock' | 'disable' | 'enable' | 'forget'; readonly user: string };

export interface UserRequest {
  readonly act: UserAct;
  readonly options: Pick<AuthOptions, 'collections' | 'users'>;
  /** Whether to allow changes to the last administrator. */
  readonly force: boolean;
}

export type UsersAnswer =
  | {
      readonly items: readonly AdminUserAnswer[];
      /** For `--after`; absent on the last page. */ readonly next?: string;
    }
  | { readonly done: Exclude<UserAct['command'], 'list'>; readonly user: AdminUserAnswer };

/** The action was refused, for a reason that the operator can understand. */
export class UserRefusedError extends Error {
  override readonly name = 'UserRefusedError';
}
