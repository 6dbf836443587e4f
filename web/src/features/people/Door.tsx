// The pages outside: signing in, and setting a password by a one-time link. Plain forms that password managers understand.
import { type FormEvent, type ReactNode, useState } from "react";
import { Glyph } from "../../ui/Glyph";
import { Button } from "../../ui/parts";
import { Refused } from "../../ui/States";
import { Clock } from "../../ui/Time";
import { useRedeem, useSignIn } from "./api";

function Outside({ children }: { children: ReactNode }) {
  return (
    <div className="outside">
      <main className="door">
        <p className="name">
          <Glyph name="tocsin" className="l" />
          Tocsin
        </p>
        {children}
      </main>
      <footer className="doorfoot">
        <span>Every sign-in, also a failed one, stands in the audit log.</span>
        <span className="row">
          {location.host} · <Clock />
        </span>
      </footer>
    </div>
  );
}

export function SignIn({ next, onIn }: { next: string; onIn: () => void }) {
  const signIn = useSignIn();
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const data = new FormData(e.currentTarget);
    signIn.mutate(
      { username: String(data.get("username")).trim(), password: String(data.get("password")) },
      { onSuccess: onIn },
    );
  };
  return (
    <Outside>
      <h1>Sign in</h1>
      {next !== "/" && (
        <p className="soft">You then go on to {next.split("?")[0]}. Opening this page decided nothing.</p>
      )}
      <form onSubmit={submit}>
        <label className="labelled">
          <span className="t">Name</span>
          <input
            className="input"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus
          />
        </label>
        <label className="labelled">
          <span className="t">Password</span>
          <input
            className="input"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            maxLength={1000}
          />
        </label>
        <Refused error={signIn.error} />
        <Button type="submit" kind="main" size="big" disabled={signIn.isPending}>
          Sign in
        </Button>
      </form>
      <p className="meta muted doornote">No account, or locked out? An admin can send you a one-time link.</p>
    </Outside>
  );
}

const SHORTEST = 12;

/** The token stands in the fragment, so that it never reaches a log; it is taken out of the address at once. */
export function takeToken(): string {
  const raw = location.hash.slice(1) || new URLSearchParams(location.search).get("token") || "";
  const token = raw.startsWith("token=") ? raw.slice(6) : raw;
  if (token) history.replaceState(history.state, "", "/link");
  return decodeURIComponent(token);
}

export function SetPassword({ token, onIn }: { token: string; onIn: () => void }) {
  const redeem = useRedeem();
  const [wrong, setWrong] = useState("");
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const data = new FormData(e.currentTarget);
    const password = String(data.get("password"));
    if ([...password].length < SHORTEST) return setWrong(`Use at least ${SHORTEST} characters; a few words are fine.`);
    if (password !== data.get("again")) return setWrong("The two are not the same.");
    setWrong("");
    redeem.mutate({ token, password }, { onSuccess: onIn });
  };
  if (!token)
    return (
      <Outside>
        <h1>This link is not whole</h1>
        <p className="soft">
          The part after # is missing. Copy the whole link, or ask for a new one: tocsin user link NAME.
        </p>
      </Outside>
    );
  return (
    <Outside>
      <h1>Set your password</h1>
      <p className="soft">The link works once. After this you are signed in.</p>
      <form onSubmit={submit}>
        <label className="labelled">
          <span className="t">New password</span>
          <input
            className="input"
            name="password"
            type="password"
            autoComplete="new-password"
            required
            maxLength={1000}
            autoFocus
            aria-describedby="pwhint"
          />
          <span className="hint" id="pwhint">
            At least {SHORTEST} characters; a few words are fine.
          </span>
        </label>
        <label className="labelled">
          <span className="t">The same again</span>
          <input className="input" name="again" type="password" autoComplete="new-password" required maxLength={1000} />
        </label>
        {wrong && (
          <p role="alert" className="refused">
            {wrong}
          </p>
        )}
        <Refused error={redeem.error} />
        <Button type="submit" kind="main" size="big" disabled={redeem.isPending}>
          Set password and go in
        </Button>
      </form>
    </Outside>
  );
}
