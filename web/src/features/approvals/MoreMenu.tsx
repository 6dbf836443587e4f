// The acts on a request that are needed seldom.
import { Menu, MenuItem } from "../../ui/Menu";
import { Button } from "../../ui/parts";

type Props = { may: boolean; onComment: () => void; link: string };

export default function MoreMenu({ may, onComment, link }: Props) {
  return (
    <Menu
      align="start"
      trigger={
        <Button size="big" kind="quiet" className="desk">
          More
        </Button>
      }
    >
      <MenuItem disabled={!may} onPick={onComment}>
        Approve with a comment
      </MenuItem>
      <MenuItem onPick={() => void navigator.clipboard?.writeText(link)}>Copy the link to this request</MenuItem>
    </Menu>
  );
}
