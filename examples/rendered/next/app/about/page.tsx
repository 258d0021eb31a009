import Link from 'next/link';
import { Greeting } from '../greeting';

export default function About() {
  return (
    <>
      <h1>About</h1>
      <Greeting />
      <Link href="/">Orders</Link>
    </>
  );
}
