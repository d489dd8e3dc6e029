export default function TopicPage({ topic_id }: { topic_id: string }) {
  return <p>{topic_id}</p>
}
