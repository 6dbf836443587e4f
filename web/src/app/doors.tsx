import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { SetPassword, SignIn, takeToken } from "../features/people/Door";
import { me } from "../lib/me";

const login = getRouteApi("/login");

/** Only a path of this app may follow a sign-in: "//evil.example" and "https:…" are other places. */
export function safeNext(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) && !next.startsWith("/login") ? next : "/";
}

export function LoginPage() {
  const router = useRouter();
  const client = useQueryClient();
  const next = safeNext(login.useSearch().next);
  useEffect(() => {
    document.title = "Sign in · Tocsin";
  }, []);
  const onIn = async () => {
    await client.resetQueries({ queryKey: me.queryKey });
    router.history.push(next);
  };
  return <SignIn next={next} onIn={() => void onIn()} />;
}

export function LinkPage() {
  const router = useRouter();
  const client = useQueryClient();
  const [token] = useState(takeToken);
  useEffect(() => {
    document.title = "Set your password · Tocsin";
  }, []);
  const onIn = async () => {
    await client.resetQueries({ queryKey: me.queryKey });
    router.history.push("/");
  };
  return <SetPassword token={token} onIn={() => void onIn()} />;
}
